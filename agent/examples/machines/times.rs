//! Times of many actions.

use std::time::{Duration, Instant};

/// How long an action took for each of these numbers.
pub fn timed(numbers: impl Iterator<Item = u32>, mut action: impl FnMut(u32)) -> Vec<Duration> {
    let one = |number| {
        let began = Instant::now();
        action(number);
        began.elapsed()
    };
    numbers.map(one).collect()
}

/// The median, the 99th of a hundred and the longest, in microseconds.
pub fn shares(mut times: Vec<Duration>) -> [f64; 3] {
    times.sort_unstable();
    let last = (times.len() - 1) as f64;
    [0.5, 0.99, 1.0].map(|share| times[(last * share) as usize].as_nanos() as f64 / 1e3)
}

/// Says them to a person.
pub fn tell(what: &str, times: Vec<Duration>) {
    let [middle, high, longest] = shares(times);
    println!("{what:<34} {middle:>8.2} us  99 %: {high:>8.2} us  longest: {longest:>8.2} us");
}
