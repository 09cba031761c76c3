//! What this machine has of what sandboxes are made of, and what to do about what is missing.

use std::fs;
use std::path::Path;

/// Why namespaces may not be had here, each with the remedy. Empty: nothing is known that forbids them.
pub(crate) fn namespace_hints() -> Vec<String> {
    let mut hints = Vec::new();
    let value = |path: &str| {
        fs::read_to_string(path)
            .map(|text| text.trim().to_owned())
            .ok()
    };
    if value("/proc/sys/user/max_user_namespaces").as_deref() == Some("0") {
        hints.push(
            "user namespaces are switched off: `sysctl user.max_user_namespaces=10000`".to_owned(),
        );
    }
    if value("/proc/sys/kernel/unprivileged_userns_clone").as_deref() == Some("0") {
        hints.push(
            "user namespaces are for root alone: `sysctl kernel.unprivileged_userns_clone=1`"
                .to_owned(),
        );
    }
    if value("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").as_deref() == Some("1") {
        hints.push(
            "AppArmor restricts user namespaces: give this program a profile with `userns,`, or \
             `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
                .to_owned(),
        );
    }
    if let Some(container) = container() {
        hints.push(format!(
            "this is a container ({container}), which by default forbids namespaces and mounts: start it with a seccomp profile that \
             allows `unshare` and `mount`, and with `/proc` unmasked"
        ));
    }
    hints
}

/// The kind of container that this program runs in.
pub(crate) fn container() -> Option<&'static str> {
    [
        ("/.dockerenv", "docker"),
        ("/run/.containerenv", "podman"),
        ("/var/run/secrets/kubernetes.io", "kubernetes"),
    ]
    .into_iter()
    .find(|(path, _)| Path::new(path).exists())
    .map(|(_, kind)| kind)
}

/// The version of the kernel.
pub(crate) fn kernel() -> String {
    let name = rustix::system::uname();
    format!(
        "{} {}",
        name.sysname().to_string_lossy(),
        name.release().to_string_lossy()
    )
}
