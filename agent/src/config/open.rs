//! A profile's kernel arguments: the URL of an answer is known only when an installation begins, so
//! there they are open. [`Argument`] is what comes of one.

use std::fmt;

use super::Argument;

/// The longest URL that the answers of an installation can be below.
pub const LONGEST_FOLDER: &str = "http://[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535/answer/\
                                  ffffffffffffffffffffffffffffffff";

const ANSWER: &str = "${answer:";
const ANSWERS: &str = "${answers}";

/// A kernel argument in which `${answer:NAME}` stands for the URL of an answer, and `${answers}` for the
/// URL of the folder that they are in, without a slash at its end. Else it is what an [`Argument`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenArgument(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Answer(String),
    Folder,
}

/// As it is written.
impl fmt::Display for OpenArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Answer(name) => write!(f, "{ANSWER}{name}}}"),
            Part::Folder => f.write_str(ANSWERS),
        })
    }
}

impl OpenArgument {
    /// Checks and takes an argument; the error is a sentence for people.
    pub fn new(text: &str) -> Result<OpenArgument, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${answer") {
            let (before, from) = rest.split_at(at);
            parts.push(Part::Text(before.to_owned()));
            if let Some(after) = from.strip_prefix(ANSWERS) {
                parts.push(Part::Folder);
                rest = after;
                continue;
            }
            let name = from
                .strip_prefix(ANSWER)
                .and_then(|from| from.split_once('}'));
            let Some((name, after)) = name.filter(|(name, _)| super::answers::is_name(name)) else {
                return Err(
                    "an answer is named by `${answer:NAME}`, the folder of all by \
                            `${answers}`"
                        .to_owned(),
                );
            };
            parts.push(Part::Answer(name.to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| *part != Part::Text(String::new()));
        let open = OpenArgument(parts);
        open.filled(LONGEST_FOLDER)?;
        Ok(open)
    }

    /// The argument with the answers below this URL, which has no slash at its end.
    ///
    /// # Errors
    /// A sentence: what came of it is none.
    pub fn filled(&self, folder: &str) -> Result<Argument, String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(some) => text.push_str(some),
                Part::Answer(name) => text.push_str(&format!("{folder}/{name}")),
                Part::Folder => text.push_str(folder),
            }
        }
        Argument::new(&text)
    }

    /// The answers that it names.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Answer(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// It needs an installation, whose answers it names.
    pub fn is_open(&self) -> bool {
        !self.0.iter().all(|part| matches!(part, Part::Text(_)))
    }
}

impl From<Argument> for OpenArgument {
    fn from(argument: Argument) -> OpenArgument {
        OpenArgument(vec![Part::Text(argument.as_str().to_owned())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let open = OpenArgument::new(text)?;
        let argument = open.filled("http://192.168.1.1:8069/answer/ab")?;
        Ok(argument.as_str().to_owned())
    }

    #[test]
    fn answers_stand_where_their_names_stood() {
        for (text, expected) in [
            ("quiet", "quiet"),
            (
                "talos.config=${answer:config.yaml}",
                "talos.config=http://192.168.1.1:8069/answer/ab/config.yaml",
            ),
            (
                "preseed/url=${answer:d-i/preseed.cfg}",
                "preseed/url=http://192.168.1.1:8069/answer/ab/d-i/preseed.cfg",
            ),
            (
                "ds=nocloud;s=${answers}/",
                "ds=nocloud;s=http://192.168.1.1:8069/answer/ab/",
            ),
            (
                "x=${answer:a}?uuid=${uuid}&b=${answer:b}",
                "x=http://192.168.1.1:8069/answer/ab/a?uuid=${uuid}&b=http://192.168.1.1:8069/answer/ab/b",
            ),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(expected));
        }
        let names = OpenArgument::new("x=${answer:a}${answers}${answer:b}").unwrap();
        assert_eq!(names.answers().collect::<Vec<_>>(), ["a", "b"]);
        assert!(names.is_open());
        assert!(!OpenArgument::new("a=${uuid}").unwrap().is_open());
    }

    #[test]
    fn what_is_no_argument_is_none_with_an_answer_in_it_either() {
        for bad in [
            "",
            "a b",
            "${answer:}",
            "${answer:../x}",
            "${answer:a b}",
            "${answer:a",
            "${answer}",
            "${answersx}",
            "${answers:a}",
            "a=${answers}${evil}",
            "&&",
            "a\n${answers}",
        ] {
            assert!(OpenArgument::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_argument_has_room_for_the_longest_url() {
        let most = crate::limits::ARGUMENT_BYTES;
        let text = |bytes: usize| format!("{}${{answers}}", "x".repeat(bytes));
        assert!(OpenArgument::new(&text(most - LONGEST_FOLDER.len())).is_ok());
        assert!(OpenArgument::new(&text(most - LONGEST_FOLDER.len() + 1)).is_err());
    }
}
