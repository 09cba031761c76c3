//! Old conversations are forgotten.

use std::time::{Duration, SystemTime};

use hexgate_base::disk::Folder;

use super::seconds;

/// How long a conversation is kept after its last call.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// The most files that are looked at in one go.
const MOST_FILES: usize = 10_000;

/// Removes the files of conversations that nobody has touched for long. Failures leave files behind, and change no decision.
pub(super) fn clean(folder: &Folder, now: SystemTime) {
    let before = seconds(now).saturating_sub(KEPT_FOR.as_secs());
    let Ok(entries) = folder.entries() else {
        return;
    };
    for (name, _) in entries
        .into_iter()
        .filter(|(_, file)| *file)
        .take(MOST_FILES)
    {
        let is_ours = name.to_str().is_some_and(|name| {
            name.split_once('.').is_some_and(|(digest, ending)| {
                digest.len() == 64
                    && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
                    && matches!(ending, "json" | "lock")
            })
        });
        let is_old = |seconds: i64| u64::try_from(seconds).is_ok_and(|it| it < before);
        if is_ours && folder.stat(&name).is_ok_and(|stat| is_old(stat.st_mtime)) {
            let _ = folder.remove(&name);
        }
    }
}
