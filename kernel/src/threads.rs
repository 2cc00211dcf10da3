//! How many threads libtorch gets, and how they wait: so that notebooks leave room for one another.

use std::num::NonZero;
use std::thread;

/// What is set for each kernel, unless the user has said something about it.
///
/// libtorch's threads spin while they wait for one another. Two notebooks at once then take the cores
/// from each other for nothing; a short spin makes both 1.7 times as fast and costs one alone 5 %. Not
/// spinning at all (`OMP_WAIT_POLICY=passive`): 1.9, and 17 % (`cargo bench --bench speed -- two-notebooks`).
pub(crate) fn settings(is_set: impl Fn(&str) -> bool) -> Vec<(&'static str, String)> {
    let mut settings = Vec::new();
    if !["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"].iter().any(|name| is_set(name)) {
        settings.push(("GOMP_SPINCOUNT", "1000".to_owned()));
        settings.push(("KMP_BLOCKTIME", "1".to_owned())); // macOS: milliseconds
    }
    // libtorch counts the machine's cores, of which a container may have been granted one.
    if let Some(granted) = granted()
        && !is_set("OMP_NUM_THREADS")
    {
        settings.push(("OMP_NUM_THREADS", granted.to_string()));
    }
    settings
}

/// How many cores this process may use, where that is fewer than it sees.
fn granted() -> Option<usize> {
    let granted = thread::available_parallelism().map(NonZero::get).ok()?;
    (granted < visible()?).then_some(granted)
}

#[cfg(target_os = "linux")]
fn visible() -> Option<usize> {
    use nix::sched::{CpuSet, sched_getaffinity};
    use nix::unistd::Pid;

    let set = sched_getaffinity(Pid::from_raw(0)).ok()?;
    Some((0..CpuSet::count()).filter(|&core| set.is_set(core).unwrap_or(false)).count())
}

#[cfg(not(target_os = "linux"))]
fn visible() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_settings_win() {
        let names = |set: &[&str]| {
            let settings = settings(|name| set.contains(&name));
            settings.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert!(names(&[]).contains(&"GOMP_SPINCOUNT"));
        assert!(!names(&["OMP_WAIT_POLICY"]).contains(&"GOMP_SPINCOUNT"));
        assert!(!names(&["GOMP_SPINCOUNT"]).contains(&"KMP_BLOCKTIME"));
        assert!(!names(&["OMP_NUM_THREADS"]).contains(&"OMP_NUM_THREADS"));
    }
}
