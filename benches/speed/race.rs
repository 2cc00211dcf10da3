//! Timing several sides in turn, and the table of what came out.

use std::cell::RefCell;
use std::time::Instant;

use crate::Outcome;

/// One side: its name, and what tells the seconds of one run, the middle of so many on end.
pub struct Side<'a> {
    name: String,
    seconds: Box<dyn FnMut(usize) -> Outcome<f64> + 'a>,
}

impl<'a> Side<'a> {
    pub fn new(name: &str, seconds: impl FnMut(usize) -> Outcome<f64> + 'a) -> Self {
        Side { name: name.to_owned(), seconds: Box::new(seconds) }
    }

    /// A side that runs in this process.
    pub fn ours<T>(name: &str, mut action: impl FnMut() -> Outcome<T> + 'a) -> Self {
        Side::new(name, move |times| {
            let mut seconds = Vec::with_capacity(times);
            for _ in 0..times {
                let start = Instant::now();
                action()?;
                seconds.push(start.elapsed().as_secs_f64());
            }
            Ok(median(&mut seconds))
        })
    }
}

/// A line of the table: seconds of the first side, and of each opponent how many it took and how many
/// times as fast the first was.
struct Row {
    what: String,
    ours: f64,
    opponents: Vec<(String, f64, f64)>,
}

pub struct Table {
    rows: RefCell<Vec<Row>>,
    /// One round is enough: it is only asked whether everything runs.
    pub smoke: bool,
}

/// A side has the machine for about so long, so that its caches are its own and its clock is up.
const TURN_SECONDS: f64 = 0.3;
const MOST_RUNS: f64 = 25.0;
/// All rounds together take about so long, if there is time for more than one.
const RACE_SECONDS: f64 = 20.0;
const MOST_ROUNDS: f64 = 7.0;

impl Table {
    pub fn new(smoke: bool) -> Table {
        Table { rows: RefCell::default(), smoke }
    }

    /// Times all sides in turn, in rounds, after one that warms up. What a busy machine does to one side
    /// of a round it does to the others too: shown are medians, and the median of the rounds' ratios.
    pub fn race(&self, what: &str, mut sides: Vec<Side>) -> Outcome {
        let (mut turns, mut round) = (Vec::new(), 0.0);
        for side in &mut sides {
            let mut once = (side.seconds)(1)?;
            if once < 1.0 {
                once = (side.seconds)(1)?; // the first may have compiled
            }
            let times = if self.smoke { 1.0 } else { (TURN_SECONDS / once).clamp(1.0, MOST_RUNS) };
            turns.push(times as usize);
            round += once * times;
        }
        let rounds = if self.smoke { 1.0 } else { (RACE_SECONDS / round).clamp(1.0, MOST_ROUNDS) };
        let mut seconds = vec![Vec::new(); sides.len()];
        for _ in 0..rounds as usize {
            for (index, side) in sides.iter_mut().enumerate() {
                seconds[index].push((side.seconds)(turns[index])?);
            }
        }
        let ours = seconds.remove(0);
        let ratios = seconds.iter().map(|theirs| {
            let mut ratios: Vec<f64> =
                ours.iter().zip(theirs).map(|(own, their)| their / own).collect();
            median(&mut ratios)
        });
        let ratios: Vec<f64> = ratios.collect();
        let names = sides.into_iter().skip(1).map(|side| side.name);
        let opponents = names.zip(&mut seconds).zip(ratios);
        let opponents = opponents.map(|((name, seconds), ratio)| (name, median(seconds), ratio));
        self.add(what, median(&mut ours.clone()), opponents.collect());
        Ok(())
    }

    /// Notes and prints a row that was timed elsewhere: opponents with their seconds and how many times
    /// as fast we were.
    pub fn add(&self, what: &str, ours: f64, opponents: Vec<(String, f64, f64)>) {
        if opponents.is_empty() {
            println!("{what:46} {:>10}", time(ours));
        }
        for (name, seconds, ratio) in &opponents {
            println!("{what:46} {:>10} {:>10} {ratio:>7.2}  {name}", time(ours), time(*seconds));
        }
        self.rows.borrow_mut().push(Row { what: what.to_owned(), ours, opponents });
    }

    /// The table as README has it.
    pub fn markdown(&self) -> String {
        let mut text =
            "| | convscope | beside | takes | times as fast |\n|---|---:|---|---:|---:|\n"
                .to_owned();
        for Row { what, ours, opponents } in &*self.rows.borrow() {
            let joined = |cell: &dyn Fn(&(String, f64, f64)) -> String| {
                opponents.iter().map(cell).collect::<Vec<_>>().join(" / ")
            };
            let (names, times) = (joined(&|o| o.0.clone()), joined(&|o| time(o.1)));
            let ratios = joined(&|o| ratio(o.2));
            text += &format!("| {what} | {} | {names} | {times} | {ratios} |\n", time(*ours));
        }
        text
    }
}

/// Seconds in a unit that suits them, with three digits.
fn time(seconds: f64) -> String {
    let (value, unit) = if seconds < 1.0 { (1e3 * seconds, "ms") } else { (seconds, "s") };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}

fn ratio(ratio: f64) -> String {
    let digits = if ratio < 3.0 { 2 } else { usize::from(ratio < 20.0) };
    format!("{ratio:.digits$}")
}

/// The middle one of the values.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
