//! Compiling the crate as notebooks do.
//!
//! evcxr itself does it, run as a kernel without a notebook, so that flags, profile and environment
//! are exactly those that later sessions use.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow};
use tokio::process::Command;
use tokio::time::{MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use crate::evcxr::Evcxr;
use crate::installation::Installation;
use crate::tools;

/// News of a build, for people.
pub(crate) enum Notice {
    /// What is going on and why.
    Headline(String),
    /// One of many steps; may be left out.
    Step(String),
}

/// Where news goes.
pub(crate) type Say = Arc<dyn Fn(Notice) + Send + Sync>;

/// The versions of all dependencies in a build. evcxr starts with a build that has none, which
/// empties `Cargo.lock`; sessions put this one back.
const PINNED_LOCK: &str = "convscope-Cargo.lock";

/// Where evcxr can't tell the type of a `let`, an error in most cases, it asks `cargo check` for the
/// reason, which begins with all crates below. So this cell fails once, while the warm build is made.
const FAILING: &str = "let unknown = convscope::no_such_function();";

/// Puts the versions of a build back into a copy of it whose evcxr has started.
pub(crate) fn pin_versions(dir: &Path) -> Result<()> {
    fs::copy(dir.join(PINNED_LOCK), dir.join("Cargo.lock"))
        .with_context(|| format!("can't write Cargo.lock in {}", dir.display()))?;
    Ok(())
}

/// Does that again if a cell has emptied it since, as any does that comes before the crate is asked
/// for. Cargo would choose the newest versions, and compile everything anew.
pub(crate) fn keep_versions(dir: &Path) -> Result<()> {
    let lock = fs::read_to_string(dir.join("Cargo.lock")).unwrap_or_default();
    // A checkout that stands in for a crate that nobody asks for is named as such.
    let asked_for = lock.contains("name = \"convscope\"") && !lock.contains("[[patch.unused]]");
    if asked_for { Ok(()) } else { pin_versions(dir) }
}

/// Compiles the crate and everything below it in `dir`; what is there already is used. `total` is how
/// many crates there are to compile, if that is known.
pub(crate) async fn compile(
    installation: &Installation,
    dir: &Path,
    total: Option<usize>,
    say: &Say,
) -> Result<()> {
    let begun = Instant::now();
    let mut count = 0;
    let on_line = {
        let say = say.clone();
        move |line: &str| {
            if let Some(krate) = line.trim_start().strip_prefix("Compiling ") {
                count += 1;
                let of = total.map(|total| format!("/{}", total.max(count))).unwrap_or_default();
                let krate = krate.split(" (").next().unwrap_or(krate);
                say(Notice::Step(format!("[{count}{of}] Compiling {krate} ({})", clock(begun))));
            }
        }
    };
    let key = Uuid::new_v4().to_string();
    let mut evcxr = Evcxr::start(installation, dir, &key, on_line).await?;
    if let Some(lock) = installation.source.cargo_lock() {
        fs::copy(&lock, dir.join("Cargo.lock"))
            .with_context(|| format!("can't copy {}", lock.display()))?;
    }
    let dep = installation.source.dependency()?;
    let work = async {
        evcxr.execute(&format!(":dep {dep}\nuse convscope::prelude::*;")).await?;
        let _ = evcxr.execute(FAILING).await;
        fs::copy(dir.join("Cargo.lock"), dir.join(PINNED_LOCK))
            .context("cargo left no Cargo.lock")?;
        evcxr.shut_down().await
    };
    let mut still = interval(Duration::from_secs(30));
    still.set_missed_tick_behavior(MissedTickBehavior::Delay);
    still.tick().await;
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => match done {
                Ok(()) => return Ok(()),
                Err(error) => return Err(explain(installation, dir, error).await),
            },
            _ = still.tick() => say(Notice::Step(format!("still compiling ({})", clock(begun)))),
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
    let output = cargo_like_evcxr(installation, dir)?.arg("--quiet").output().await?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((!output.status.success()).then_some(report))
}

/// `cargo build` of the crate with the flags that evcxr uses.
pub(crate) fn cargo_like_evcxr(installation: &Installation, dir: &Path) -> Result<Command> {
    let mut flags = "-Cprefer-dynamic".to_owned();
    if tools::on_path("mold").is_none() && tools::on_path("lld").is_some() {
        flags.push_str(" -Clink-arg=-fuse-ld=lld");
    }
    let mut cargo = Command::new("cargo");
    installation.apply_env(&mut cargo, dir);
    cargo
        .args(["build", "--color=never", "--package=convscope", "--target"])
        .arg(tools::host()?)
        .env("CARGO_TARGET_DIR", "target")
        .env("CARGO_BUILD_BUILD_DIR", "target")
        .env("RUSTFLAGS", flags)
        .current_dir(dir)
        .kill_on_drop(true);
    Ok(cargo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emptied_lock_is_filled_again_and_another_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("Cargo.lock");
        let pinned = "[[package]]\nname = \"convscope\"\n";
        fs::write(dir.path().join(PINNED_LOCK), pinned).unwrap();
        for emptied in
            ["", "[[package]]\nname = \"ctx\"\n\n[[patch.unused]]\nname = \"convscope\"\n"]
        {
            fs::write(&lock, emptied).unwrap();
            keep_versions(dir.path()).unwrap();
            assert_eq!(fs::read_to_string(&lock).unwrap(), pinned);
        }
        let with_more = format!("{pinned}\n[[package]]\nname = \"rayon\"\n");
        fs::write(&lock, &with_more).unwrap();
        keep_versions(dir.path()).unwrap();
        assert_eq!(fs::read_to_string(&lock).unwrap(), with_more);
    }
}
