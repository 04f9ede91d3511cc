//! The terminal: taken over, drawn on, and given back as it was, whatever ends the program.

use std::io::{self, IsTerminal, Stdout, Write};
use std::os::fd::AsFd;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, raise};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use ratatui::crossterm::{cursor, execute};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::draw::draw;
use super::look::Look;
use super::view::{Key, View};

/// The terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, which is given back when this is dropped, and by a panic, which ends the program without
/// dropping anything.
///
/// The part that is drawn on is fixed, and made anew when the terminal's size changes: a terminal that
/// follows its size by itself is asked where its cursor is, and not all of them answer.
pub struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// It does not let itself be.
    pub fn take() -> io::Result<Screen> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            give_back();
            before(what);
        }));
        let screen = Screen(fixed(Rect::ZERO)?);
        enter()?;
        Ok(screen)
    }

    /// Draws the view.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, view: &mut View, look: Look) -> io::Result<()> {
        let (columns, rows) = size()?;
        let area = Rect::new(0, 0, columns, rows);
        if self.0.get_frame().area() != area {
            self.0 = fixed(area)?;
            execute!(io::stdout(), Clear(ClearType::All))?;
        }
        self.0.draw(|frame| {
            let area = frame.area();
            draw(frame.buffer_mut(), area, view, look);
        })?;
        Ok(())
    }

    /// Gives the terminal back, stops as any program does by Control-Z, and takes it again.
    ///
    /// # Errors
    /// It does not let itself be taken.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        raise(Signal::SIGTSTP)?;
        // What was drawn is not there any more.
        self.0 = fixed(Rect::ZERO)?;
        enter()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, cursor::Hide)
}

/// The terminal, of which this part is drawn on.
fn fixed(area: Rect) -> io::Result<Terminal<CrosstermBackend<Stdout>>> {
    let viewport = Viewport::Fixed(area);
    Terminal::with_options(
        CrosstermBackend::new(io::stdout()),
        TerminalOptions { viewport },
    )
}

/// Gives the terminal back, once. Whoever closed it does not want to be told.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = disable_raw_mode();
        let mut out = io::stdout();
        let _ = execute!(out, LeaveAlternateScreen, cursor::Show);
        let _ = out.flush();
    }
}

/// What a person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Nothing within the time.
    Nothing,
    /// Pressed a key.
    Key(Key),
    /// Made the terminal larger or smaller, or pressed a key that means nothing.
    Other,
}

/// Waits so long for a person to do something.
///
/// # Errors
/// The terminal is gone.
pub fn input(longest: Duration) -> io::Result<Input> {
    // Of what it has read already it may have more.
    open(Duration::ZERO)?;
    let has = || event::poll(Duration::ZERO);
    if !(has()? || open(longest)? && has()?) {
        return Ok(Input::Nothing);
    }
    let Event::Key(key) = event::read()? else {
        return Ok(Input::Other);
    };
    if key.kind == KeyEventKind::Release {
        return Ok(Input::Other);
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Ok(match (key.code, control) {
        (KeyCode::Char('c'), true) => Input::Key(Key::Interrupt),
        (KeyCode::Char('z'), true) => Input::Key(Key::Suspend),
        (KeyCode::Char(_), true) => Input::Other,
        (KeyCode::Char(character), false) => Input::Key(Key::Char(character)),
        (KeyCode::Up, _) => Input::Key(Key::Up),
        (KeyCode::Down, _) => Input::Key(Key::Down),
        (KeyCode::PageUp, _) => Input::Key(Key::PageUp),
        (KeyCode::PageDown, _) => Input::Key(Key::PageDown),
        (KeyCode::Home, _) => Input::Key(Key::Home),
        (KeyCode::End, _) => Input::Key(Key::End),
        (KeyCode::Enter, _) => Input::Key(Key::Enter),
        (KeyCode::Esc, _) => Input::Key(Key::Escape),
        (KeyCode::Backspace, _) => Input::Key(Key::Erase),
        _ => Input::Other,
    })
}

/// Waits so long for the terminal to have something to read. crossterm reads a terminal that was closed
/// again and again, at the processor's full speed, so it is asked only while the terminal is there.
fn open(longest: Duration) -> io::Result<bool> {
    let (input, output) = (io::stdin(), io::stdout());
    // That from which crossterm reads.
    let terminal = match input.is_terminal() {
        true => input.as_fd(),
        false => output.as_fd(),
    };
    let mut asked = [PollFd::new(terminal, PollFlags::POLLIN)];
    let longest = PollTimeout::try_from(longest).unwrap_or(PollTimeout::MAX);
    match poll(&mut asked, longest) {
        // The terminal's size changed, as the next frame will see.
        Err(Errno::EINTR) => return Ok(false),
        other => other?,
    };
    let found = asked[0].revents().unwrap_or(PollFlags::POLLERR);
    if found.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL) {
        return Err(io::Error::other("it was closed"));
    }
    Ok(found.contains(PollFlags::POLLIN))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What the next test has a terminal for. Nothing is dropped before it panics, as in a program that
    /// aborts.
    #[test]
    #[ignore = "it takes the terminal over and panics"]
    fn panics_with_the_terminal() {
        let mut screen = Screen::take().unwrap();
        screen
            .draw(
                &mut View::default(),
                Look {
                    colour: true,
                    unicode: true,
                },
            )
            .unwrap();
        std::mem::forget(screen);
        panic!("as a test wants it");
    }

    #[test]
    fn a_panic_gives_the_terminal_back() {
        let own = std::env::current_exe().unwrap();
        let name = module_path!().split_once("::").unwrap().1;
        let run = format!(
            "{} --ignored --exact --nocapture {name}::panics_with_the_terminal; stty -a",
            own.display()
        );
        // script(1) runs it in a terminal of its own.
        let arguments = match cfg!(target_os = "freebsd") {
            true => ["-q", "/dev/null", "sh", "-c", &run],
            false => ["-q", "-e", "-c", &run, "/dev/null"],
        };
        let done = Command::new("script").args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        let after = |text: &str| {
            said.rfind(text)
                .unwrap_or_else(|| panic!("{text:?}: {said}"))
        };
        let (took, gave) = (after("\u{1b}[?1049h"), after("\u{1b}[?1049l"));
        assert!(took < gave && gave < after("as a test wants it"), "{said}");
        assert!(after("\u{1b}[?25h") > after("\u{1b}[?25l"), "the cursor");
        assert!(
            said.contains(" icanon") && said.contains(" echo "),
            "{said}"
        );
    }
}
