//! The `hearth` binary: everything is in the library.

fn main() -> std::process::ExitCode {
    hearth::cli::main()
}
