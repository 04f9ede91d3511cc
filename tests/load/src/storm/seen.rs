//! What machines saw.

use std::time::Duration;

use super::Step;

/// What all machines saw; times are in seconds.
#[derive(Debug, Default)]
pub struct Seen {
    /// Machines that have all.
    pub served: u64,
    /// Machines that gave up, and why the last did.
    pub failures: u64,
    /// See there.
    pub why: String,
    /// Answers that told to come again.
    pub turned_away: u64,
    /// Connections that broke.
    pub broken: u64,
    /// From being switched on to the last byte.
    pub whole: Vec<f64>,
    /// Of each step, from its first try to its last byte, with all waiting.
    pub steps: [Vec<f64>; 3],
    /// The same of the try that was answered.
    pub tries: [Vec<f64>; 3],
}

impl Seen {
    /// As one line of JSON.
    pub fn told(&mut self, machines: u32, took: Duration) -> String {
        let why: String = self
            .why
            .chars()
            .filter(|c| !"\"\\\r\n".contains(*c))
            .collect();
        let mut parts = vec![
            format!(r#""machines":{machines},"served":{}"#, self.served),
            format!(r#""failures":{},"why":"{why}""#, self.failures),
            format!(
                r#""turned_away":{},"broken":{}"#,
                self.turned_away, self.broken
            ),
            format!(r#""seconds":{:.3}"#, took.as_secs_f64()),
            format!(r#""whole":{}"#, shares(&mut self.whole)),
        ];
        let lists = self.steps.iter_mut().zip(&mut self.tries);
        for (step, (steps, tries)) in Step::ALL.into_iter().zip(lists) {
            let name = format!("{step:?}").to_lowercase();
            parts.push(format!(r#""{name}":{}"#, shares(steps)));
            parts.push(format!(r#""{name}_answered":{}"#, shares(tries)));
        }
        format!("{{{}}}", parts.join(","))
    }
}

/// Median, 99th of a hundred and longest, in milliseconds.
fn shares(seconds: &mut [f64]) -> String {
    seconds.sort_unstable_by(f64::total_cmp);
    let of = |share: f64| match seconds.len() {
        0 => 0.0,
        count => seconds[((count - 1) as f64 * share) as usize] * 1e3,
    };
    format!("[{:.3},{:.3},{:.3}]", of(0.5), of(0.99), of(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_those_of_sorted_times() {
        let mut seconds: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(shares(&mut seconds), "[50000.000,99000.000,100000.000]");
        assert_eq!(shares(&mut []), "[0.000,0.000,0.000]");
    }
}
