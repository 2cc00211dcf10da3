//! Compiling the crate as notebooks do.
//!
//! evcxr itself does it, run as a kernel without a notebook, so that flags, profile and environment
//! are exactly those that later sessions use.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Error, Result, anyhow};
use tokio::time::{MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use crate::evcxr::Evcxr;
use crate::installation::Installation;
use crate::package;
use crate::versions::Versions;
use crate::with;

/// News of a build, for people.
pub(crate) enum Notice {
    /// What is going on and why.
    Headline(String),
    /// One of many steps; may be left out.
    Step(String),
}

/// Where news goes.
pub(crate) type Say = Arc<dyn Fn(Notice) + Send + Sync>;

/// Where evcxr can't tell the type of a `let`, an error in most cases, it asks `cargo check` for the
/// reason, which begins with all crates below. So this cell fails once, while the warm build is made.
const FAILING: &str = "let unknown = convscope::no_such_function();";

/// Compiles the crate, everything below it and what is wanted beside it in `dir`; what is there already is used. `total` is how
/// many crates there are to compile, if that is known.
pub(crate) async fn compile(
    installation: &Installation,
    dir: &Path,
    total: Option<usize>,
    say: &Say,
) -> Result<()> {
    let begun = Instant::now();
    installation.source.versions().or(Versions::known_to(dir)).make_known_to(dir)?;
    with::choose_versions(installation, dir).await?;
    let key = Uuid::new_v4().to_string();
    let dep = installation.source.dependency()?;
    let work = async {
        let mut evcxr = Evcxr::start(installation, dir, &key, steps(say, total, begun)).await?;
        if let Err(error) = evcxr.execute(&format!(":dep {dep}\nuse convscope::prelude::*;")).await
        {
            return Err(explain(installation, dir, error).await);
        }
        let _ = evcxr.execute(FAILING).await;
        evcxr.shut_down().await?;
        with::compile(installation, dir, steps(say, None, begun)).await?;
        // Cargo has left those that are needed.
        Versions::read(&dir.join("Cargo.lock")).make_known_to(dir)
    };
    let mut still = interval(Duration::from_secs(30));
    still.set_missed_tick_behavior(MissedTickBehavior::Delay);
    still.tick().await;
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = still.tick() => say(Notice::Step(format!("still compiling ({})", clock(begun)))),
        }
    }
}

/// Tells which crate is being compiled, from the lines that cargo prints.
fn steps(
    say: &Say,
    total: Option<usize>,
    begun: Instant,
) -> impl FnMut(&str) + Send + use<> + 'static {
    let say = say.clone();
    let mut count = 0;
    move |line: &str| {
        if let Some(krate) = line.trim_start().strip_prefix("Compiling ") {
            // The package that stands for a notebook.
            if krate.starts_with("ctx ") {
                return;
            }
            count += 1;
            let of = total.map(|total| format!("/{}", total.max(count))).unwrap_or_default();
            let krate = krate.split(" (").next().unwrap_or(krate);
            say(Notice::Step(format!("[{count}{of}] Compiling {krate} ({})", clock(begun))));
        }
    }
}

fn clock(since: Instant) -> String {
    let seconds = since.elapsed().as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// evcxr reports an error in a dependency without its place. Cargo knows the place, if asked with
/// the flags that evcxr uses.
async fn explain(installation: &Installation, dir: &Path, error: Error) -> Error {
    let report = timeout(EXPLAIN_PATIENCE, ask_cargo(installation, dir)).await;
    let text = match report {
        Ok(Ok(Some(report))) => report,
        _ => format!("{error:#}"),
    };
    anyhow!("the convscope crate does not compile for notebooks:\n{}", text.trim_end())
}

/// Were the flags others than evcxr's, cargo would begin to compile everything.
const EXPLAIN_PATIENCE: Duration = Duration::from_secs(60);

/// What cargo has against the crate; nothing if the fault is elsewhere.
async fn ask_cargo(installation: &Installation, dir: &Path) -> Result<Option<String>> {
    let mut cargo = package::cargo(installation, dir, "build")?;
    let output = cargo.args(["--package=convscope", "--quiet"]).output().await?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((!output.status.success()).then_some(report))
}
