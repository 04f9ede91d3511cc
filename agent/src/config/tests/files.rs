//! The files themselves: which are read, and what is wrong with one as a whole.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::*;
use super::Folder;
use crate::limits;

const SERVER: &str = "[server]\naddresses = [\"192.168.1.1\"]\n";

fn image(name: &str) -> String {
    format!("[[image]]\nname = \"{name}\"\nrecipe = \"netboot.xyz\"\n")
}

fn names(folder: &Folder, loaded: &Loaded) -> Vec<String> {
    let below = loaded
        .files
        .iter()
        .map(|file| file.strip_prefix(folder.path()).unwrap());
    below.map(|file| file.display().to_string()).collect()
}

#[test]
fn fragments_are_read_in_the_order_of_their_names_and_hidden_ones_are_not() {
    let folder = Folder::with(SERVER);
    folder.write("conf.d/20-b.toml", image("b"));
    folder.write("conf.d/10-a.toml", image("a"));
    folder.write("conf.d/.10-a.toml.swp", "what an editor leaves");
    folder.write("conf.d/.30-c.toml", "no toml");
    folder.write("conf.d/README", "no toml");
    folder.write("conf.d/40-d.toml.bak", "no toml");
    let loaded = folder.load().unwrap();
    assert_eq!(
        names(&folder, &loaded),
        ["hearth.toml", "conf.d/10-a.toml", "conf.d/20-b.toml"]
    );
    assert!(loaded.config.images.contains_key(&Name::new("a").unwrap()));
    assert!(loaded.config.images.contains_key(&Name::new("b").unwrap()));
}

#[test]
fn keys_of_one_table_may_stand_in_several_files() {
    let folder = Folder::with(SERVER);
    folder.write("conf.d/a.toml", "[tftp]\nwindow = 4\n");
    folder.write("conf.d/b.toml", "[tftp]\ntransfers = 7\n");
    let tftp = folder.load().unwrap().config.tftp;
    assert_eq!((tftp.window, tftp.transfers), (4, 7));
}

#[test]
fn everything_may_stand_in_fragments() {
    let folder = Folder::with("");
    folder.write("conf.d/server.toml", SERVER);
    assert!(folder.load().is_ok());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = Folder::new();
    folder.write("conf.d/a.toml", SERVER);
    let words = folder.words(&folder.load().unwrap_err());
    assert_eq!(
        words,
        "hearth.toml: error: cannot read this file: No such file or directory (os error 2)\n   \
         = what it declares is missing"
    );
}

#[test]
fn a_fragment_that_cannot_be_read_does_not_hide_the_mistakes_of_others() {
    let folder = Folder::with("[server]\naddresses = [\"x\"]\n");
    fs::create_dir_all(folder.path().join("conf.d/folder.toml")).unwrap();
    symlink("nowhere", folder.path().join("conf.d/link.toml")).unwrap();
    let diagnostics = folder.load().unwrap_err();
    let words = folder.words(&diagnostics);
    assert_eq!(diagnostics.count(), (3, 0), "{words}");
    assert!(words.contains("conf.d/folder.toml: error: cannot read this file: not a regular file"));
    assert!(words.contains("conf.d/link.toml: error: cannot read this file: No such file"));
    assert!(words.contains("hearth.toml:2:14: error"));
}

#[test]
fn a_pipe_does_not_stop_the_reading() {
    let folder = Folder::with(SERVER);
    fs::create_dir(folder.path().join("conf.d")).unwrap();
    let pipe = folder.path().join("conf.d/pipe.toml");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
    let words = folder.words(&folder.load().unwrap_err());
    assert!(words.contains("conf.d/pipe.toml: error: cannot read this file: not a regular file"));
}

#[test]
fn a_file_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let limit = usize::try_from(limits::CONFIG_BYTES).unwrap();
    let folder = Folder::with(&(SERVER.to_owned() + &"#".repeat(limit - SERVER.len())));
    assert!(folder.load().is_ok());
    folder.write("conf.d/a.toml", "#".repeat(limit + 1));
    let words = folder.words(&folder.load().unwrap_err());
    assert!(words.contains("conf.d/a.toml: error: cannot read this file: larger than 4 MiB"));
}

#[test]
fn too_many_fragments_are_refused() {
    let folder = Folder::with(SERVER);
    for number in 0..=limits::CONFIG_FRAGMENTS {
        folder.write(&format!("conf.d/{number}.toml"), "");
    }
    let words = folder.words(&folder.load().unwrap_err());
    assert!(
        words.starts_with("conf.d: error: 1001 fragments, more than 1000\n"),
        "{words}"
    );
}

#[test]
fn a_file_that_is_no_text_is_told_where() {
    let folder = Folder::new();
    folder.write(
        "hearth.toml",
        b"[log]\nlevel = \"inf\xff\"\n[menu]\ntimeout = 5\n",
    );
    let words = folder.words(&folder.load().unwrap_err());
    assert!(
        words.starts_with("hearth.toml:2:13: error: this is not text: TOML is written in UTF-8\n"),
        "{words}"
    );
    assert!(
        words.contains("hearth.toml:4:11: error: `timeout`"),
        "{words}"
    );
}

#[test]
fn a_configuration_that_every_machine_could_fetch_is_refused() {
    let folder = Folder::new();
    let root = folder.path().display().to_string();
    let text = format!("[server]\naddresses = [\"192.168.1.1\"]\nroot = \"{root}\"\n");
    folder.write("hearth.toml", &text);
    let words = folder.words(&folder.load().unwrap_err());
    assert!(
        words.starts_with("hearth.toml: error: this file lies in `root`\n"),
        "{words}"
    );
    folder.write("hearth.toml", text + "own_files = false\n");
    assert!(folder.load().is_ok());
}

fn with_token(token: &str) -> String {
    format!(
        "{SERVER}[[image]]\nname = \"talos\"\nrecipe = \"talos\"\nversion = \"v1.11.2\"\n\
         [[profile]]\nname = \"p\"\nimage = \"talos\"\n\
         omni = {{ api = \"https://o.example\", token = {token} }}\n"
    )
}

fn token_of(loaded: &Loaded) -> &str {
    let profile = &loaded.config.profiles[&Name::new("p").unwrap()];
    let token = profile.omni.as_ref().unwrap().token.as_ref();
    token.unwrap().reveal()
}

#[test]
fn a_secret_may_stand_in_a_file_beside_the_one_that_names_it() {
    let folder = Folder::with(SERVER);
    let text = with_token("{ file = \"secrets/omni.token\" }");
    folder.write("conf.d/talos.toml", text.replace(SERVER, ""));
    folder.write("conf.d/secrets/omni.token", "hunter2\n");
    let loaded = folder.load().unwrap();
    assert_eq!(token_of(&loaded), "hunter2");
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    assert!(!format!("{loaded:?}").contains("hunter2"));
}

#[test]
fn a_secret_that_everybody_may_read_is_warned_of() {
    let folder = Folder::with(&with_token("{ file = \"omni.token\" }"));
    let token = folder.write("omni.token", "hunter2");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).unwrap();
    let words = folder.words(&folder.load().unwrap().warnings);
    assert!(
        words.starts_with("hearth.toml:10:54: warning: everybody may read the secret in"),
        "{words}"
    );
    let folder = Folder::with(&with_token("\"hunter2\""));
    let config = folder.path().join("hearth.toml");
    assert!(folder.load().unwrap().warnings.is_empty());
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
    let words = folder.words(&folder.load().unwrap().warnings);
    assert!(
        words.contains("warning: a secret in a file that everybody may read"),
        "{words}"
    );
    assert!(!words.contains("hunter2"), "{words}");
}

#[test]
fn a_secret_over_the_limit_is_refused() {
    let folder = Folder::with(&with_token("{ file = \"omni.token\" }"));
    folder.write("omni.token", "x".repeat(20_000));
    let words = folder.words(&folder.load().unwrap_err());
    assert!(words.contains("larger than 16 KiB"), "{words}");
}

#[test]
fn a_secret_that_every_machine_could_fetch_is_refused() {
    let folder = Folder::new();
    let root = folder.path().join("root");
    let text = with_token("{ file = \"root/omni.token\" }");
    let text = text.replace(
        "[[image]]",
        &format!("root = \"{}\"\n[[image]]", root.display()),
    );
    folder.write("hearth.toml", text);
    folder.write("root/omni.token", "hunter2");
    let words = folder.words(&folder.load().unwrap_err());
    assert!(
        words.starts_with("hearth.toml:11:54: error: this secret lies in `root`"),
        "{words}"
    );
}

#[test]
fn what_was_loaded_can_be_swapped_between_threads() {
    fn is_shared<T: Send + Sync + Clone + 'static>() {}
    is_shared::<Loaded>();
    is_shared::<Diagnostics>();
}

#[test]
fn what_is_private_or_hearths_own_is_no_loader() {
    let folder = Folder::new();
    let at = |name: &str| folder.path().join(name).display().to_string();
    folder.write("secret", "a-token-that-is-long-enough");
    folder.write("state/hearth.lock", "");
    folder.write("mine.efi", "a loader");
    symlink(folder.path().join("secret"), folder.path().join("link.efi")).unwrap();
    folder.write(
        "hearth.toml",
        format!(
            "{SERVER}state = \"{}\"\n[[webhook]]\nname = \"w\"\nurl = \"http://192.168.1.2/\"\n\
             secret = {{ file = \"secret\" }}\n[loaders.files]\n\"a.efi\" = \"{}\"\n\"b.efi\" = \"{}\"\n\
             \"c.efi\" = \"{}\"\n\"d.efi\" = \"{}\"\n\"e.efi\" = \"{}\"\n",
            at("state"), at("secret"), at("link.efi"), at("hearth.toml"), at("state/hearth.lock"),
            at("mine.efi"),
        ),
    );
    let words = folder.words(&folder.load().unwrap_err());
    let refused = "error: this file is no loader, and not for machines";
    for line in 9..=12 {
        assert!(
            words.contains(&format!("hearth.toml:{line}:11: {refused}")),
            "{words}"
        );
    }
    assert_eq!(words.matches(refused).count(), 4, "{words}");
}
