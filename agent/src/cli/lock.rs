//! `hearth lock`.

use super::{Failed, args, fetch, print};
use crate::config::Config;
use crate::image::lock::Lock;
use crate::image::prune::Pruned;
use crate::image::verify::{self, State};

pub fn lock(config: &Config, command: &args::Lock) -> Result<u8, Failed> {
    let path = config.server.state.join(Lock::FILE);
    let data = |error: crate::image::lock::LockError| Failed::new(65, error.to_string());
    let lock = Lock::load(&path).map_err(data)?;
    match command {
        args::Lock::Print => {
            print(&lock.table())?;
            Ok(0)
        }
        args::Lock::Check => {
            let states = verify::check(&lock, &config.server.root, &mut |_, _| ());
            let wrong = states
                .iter()
                .filter(|(_, state)| *state != State::True)
                .count();
            let lines: String = states
                .iter()
                .map(|(name, state)| format!("{name}: {state}\n"))
                .collect();
            print(&lines)?;
            Ok(if wrong == 0 { 0 } else { 65 })
        }
        args::Lock::Update { names } => fetch::update(config, names),
        args::Lock::Prune => {
            let pruned = fetch::prune(config)?;
            let mut code = 0;
            for (name, what) in &pruned {
                let text = match what {
                    Pruned::Removed(bytes) => format!("removed, {bytes} bytes"),
                    Pruned::Forgotten => "was not there".to_owned(),
                    Pruned::LeftYours(why) => format!("left, it is yours now: {why}"),
                    Pruned::Failed(why) => {
                        code = 74;
                        format!("failed: {why}")
                    }
                };
                print(&format!("{name}: {text}\n"))?;
            }
            Ok(code)
        }
    }
}
