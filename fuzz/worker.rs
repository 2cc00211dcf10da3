//! The child: makes the cases it is told to, and says what became of each.

use std::backtrace::Backtrace;
use std::io::Write;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::path::Path;
use std::sync::Mutex;

use crate::files::{Files, Target, case};
use crate::verdict::{Kind, Verdict, Witness};
use crate::{Fallible, folder};

/// What the last panic said and where.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// Takes orders from stdin, `case NUMBER` or `files FOLDER`, and answers each with a line.
pub fn serve(target: &dyn Target) -> Fallible<()> {
    std::panic::set_hook(Box::new(remember));
    let seeds = target.seeds();
    let now = folder(target.name()).join("now");
    for line in std::io::stdin().lines() {
        let line = line?;
        let files = match line.split_once(' ') {
            Some(("case", number)) => case(target, &seeds, number.parse()?),
            Some(("files", folder)) => Files::read(Path::new(folder))?,
            _ => return Err(format!("what is `{line}`?").into()),
        };
        files.write(&now)?;
        let verdict = examine(target, &now);
        // What the library prints stands on lines of its own.
        println!("fuzz: {verdict}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn examine(target: &dyn Target, folder: &Path) -> Verdict {
    let mut witness = Witness::default();
    let opened = catch_unwind(AssertUnwindSafe(|| target.open(folder, &mut witness)));
    match (opened, witness.complaint) {
        (Err(_), _) => {
            let panic = PANIC.lock().map(|panic| panic.clone()).unwrap_or_default();
            Verdict::Fault(Kind::Panic, panic)
        }
        (Ok(_), Some(complaint)) => Verdict::Fault(Kind::Words, complaint),
        (Ok(true), None) => Verdict::Accepted,
        (Ok(false), None) => Verdict::Refused(witness.refusal),
    }
}

/// Keeps what a panic said and where: the panic's own place and the library's lines on the way there.
fn remember(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let said = payload.downcast_ref::<String>().map(String::as_str);
    let said = said.or(payload.downcast_ref::<&str>().copied()).unwrap_or_default();
    // libtorch's traces stand behind a line's end, which `Debug` writes as two characters.
    let said = said.split(['\n', '\\']).next().unwrap_or_default();
    let said: String = said.chars().take(200).collect();
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let way = way(&Backtrace::force_capture().to_string());
    if let Ok(mut last) = PANIC.lock() {
        *last = format!("{said} at {}{way}", short(&place));
    }
}

/// A place without the folders of this machine.
fn short(place: &str) -> &str {
    let crates = place.split_once("/registry/src/").and_then(|(_, place)| place.split_once('/'));
    crates.or(place.split_once("/library/")).map_or(place, |(_, place)| place)
}

/// The lines of a backtrace that are the library's, the innermost first.
fn way(backtrace: &str) -> String {
    let places = backtrace.lines().filter_map(|line| line.trim().strip_prefix("at "));
    let own = places.map(|place| place.strip_prefix("./").unwrap_or(place));
    let own = own.filter(|place| place.starts_with("src/")).take(4);
    own.map(|place| format!(", by {place}")).collect()
}
