//! The steps of the setup, which reports name.

macro_rules! steps {
    ($(#[$doc:meta] $name:ident $text:literal)*) => {
        /// A step of the setup.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Step { $(#[$doc] $name,)* }

        impl Step {
            /// What it does, by its number in a report.
            pub(super) fn text(number: i32) -> &'static str {
                const ALL: &[(Step, &str)] = &[$((Step::$name, $text),)*];
                ALL.iter().find(|(step, _)| *step as i32 == number).map_or("unknown step", |(_, text)| text)
            }
        }
    };
}

steps! {
    /// The end of the parent is noticed.
    Parent "watch for the end of this program"
    /// The control group is entered.
    Group "enter the control group"
    /// Namespaces are made.
    Unshare "make namespaces"
    /// The user is mapped.
    Map "map the user into the namespace"
    /// A process is started.
    Fork "start a process"
    /// Mounts are made private.
    Mounts "make mounts private"
    /// The new root.
    Root "make a root"
    /// A folder, file or link of the new root.
    Folder "make a folder of the root"
    /// A part of the file system is shown.
    Bind "show a part of the file system"
    /// A file system in memory.
    Memory "mount a file system in memory"
    /// The processes of the namespace are shown.
    Processes "mount /proc"
    /// Loopback and listener.
    Network "set up the network"
    /// Resource limits.
    Limits "set limits"
    /// Capabilities are given up.
    Privileges "give up privileges"
    /// Rules of landlock.
    Landlock "restrict with landlock"
    /// Signals and descriptors of the supervisor.
    Supervise "supervise the command"
    /// The working folder.
    Enter "enter the workspace"
    /// Filters of system calls.
    Filter "filter system calls"
}
