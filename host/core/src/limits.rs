//! Limits of the cost of decisions and policies.

use crate::error::OptionError;

/// The bounds within which an [`Engine`](crate::Engine) runs policies.
///
/// The limits that can change a verdict are counted by the policy itself, so that every host agrees. `arguments_bytes` and `facts_bytes`
/// can only lower them. All others are backstops: a call that reaches one is denied. A policy of the known engine reaches `memory_bytes` alone,
/// if it was compiled to accept more than the default or has a plan of more than 1 MiB (`docs/security.md` has the numbers).
///
/// Write `Limits { fuel: 1_000_000, ..Limits::default() }`: later versions add fields. [`Limits::set`] reaches each field by its
/// written name, for command lines and environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `arguments-bytes`: the longest accepted arguments, in bytes. Default: 4,294,967,295, which leaves the count to the policy.
    pub arguments_bytes: u32,
    /// `facts-bytes`: the longest accepted facts, in bytes. Default: 4,294,967,295, which leaves the count to the policy.
    pub facts_bytes: u32,
    /// `roles`: the most roles that are handed to a policy. Default: 1,024. The contract accepts 32 and the policy says so itself;
    /// this keeps a caller from making the host copy millions.
    pub roles: u32,
    /// `memory-bytes`: the most linear memory of one instance. Default: 64 MiB, room for the largest plan and the working memory
    /// of the longest arguments.
    pub memory_bytes: u32,
    /// `fuel`: the most instructions of one decision by a component that is not of the known engine; bulk operations count by
    /// the byte. Default: 400,000,000, about a second of the slowest instructions.
    pub fuel: u64,
    /// `stack-bytes`: the native stack that a guest may use on the calling thread. Default: 128 KiB. A thread that decides needs
    /// this much and 64 KiB more.
    pub stack_bytes: u32,
    /// `output-bytes`: the most text that one verdict or error may carry. Default: 1 MiB.
    pub output_bytes: u32,
    /// `description-bytes`: the most text that the whole description of a policy may carry. Default: 64 MiB.
    pub description_bytes: u32,
    /// `warm-instances`: how many instances a policy keeps between decisions; more threads than this get a fresh one each. Zero
    /// makes every decision a fresh instance. Default: what the machine runs in parallel, at most 64.
    pub warm_instances: u32,
    /// `kept-bytes`: the most linear memory that a kept instance of the known engine may have. A request that needed more leaves no
    /// instance behind. Default: 2 MiB, what arguments of 150 KB need.
    pub kept_bytes: u32,
    /// `instances`: how many instances may exist at once, over all policies of an engine. When they are used up, idle instances
    /// of other policies are given up. Default: 512. Each reserves 4 GiB of address space, not of memory, and twice that for
    /// components that are not of the known engine.
    pub instances: u32,
    /// `component-bytes`: the largest component that is loaded. Default: 32 MiB.
    pub component_bytes: u32,
    /// `compiled-bytes`: the largest component that is compiled when it is not of the known engine: compiling takes about a millisecond a
    /// KiB for any component. Default: 4 MiB.
    pub compiled_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let parallel = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            arguments_bytes: u32::MAX,
            facts_bytes: u32::MAX,
            roles: 1024,
            memory_bytes: 64 << 20,
            fuel: 400_000_000,
            stack_bytes: 128 << 10,
            output_bytes: 1 << 20,
            description_bytes: 64 << 20,
            warm_instances: u32::try_from(parallel).map_or(64, |n| n.min(64)),
            kept_bytes: 2 << 20,
            instances: 512,
            component_bytes: 32 << 20,
            compiled_bytes: 4 << 20,
        }
    }
}

/// The written names of the limits, and the values that each accepts.
const NAMES: [(&str, u64, u64); 13] = [
    ("arguments-bytes", 0, u32::MAX as u64),
    ("facts-bytes", 0, u32::MAX as u64),
    ("roles", 0, 65_536),
    ("memory-bytes", 65_536, u32::MAX as u64),
    ("fuel", 1, i64::MAX as u64),
    ("stack-bytes", 32 << 10, 8 << 20),
    ("output-bytes", 4096, 1 << 30),
    ("description-bytes", 4096, u32::MAX as u64),
    ("warm-instances", 0, 1024),
    ("kept-bytes", 0, u32::MAX as u64),
    ("instances", 1, 8192),
    ("component-bytes", 1, 1 << 30),
    ("compiled-bytes", 0, 1 << 30),
];

impl Limits {
    /// The written names of all limits.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, ..)| *name)
    }

    /// Sets a limit by its written name.
    ///
    /// # Errors
    ///
    /// The name is unknown, or the value is not a decimal number within the limit's range.
    pub fn set(&mut self, name: &str, value: &str) -> Result<&mut Self, OptionError> {
        let Some(&(name, least, most)) = NAMES.iter().find(|(known, ..)| *known == name) else {
            return Err(OptionError::Unknown {
                name: name.into(),
                valid: Self::names().collect::<Vec<_>>().join("`, `"),
            });
        };
        let bad = || OptionError::Value {
            name,
            value: value.into(),
            least,
            most,
        };
        let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        let number: u64 = digits
            .then(|| value.parse().ok())
            .flatten()
            .ok_or_else(bad)?;
        self.put(name, number).map(|()| self)
    }

    /// Refuses fields that were set directly to values outside of their range.
    pub(crate) fn check(&self) -> Result<(), OptionError> {
        let mut copy = *self;
        for (name, ..) in NAMES {
            copy.put(name, self.value(name))?;
        }
        Ok(())
    }

    fn value(&self, name: &str) -> u64 {
        match name {
            "arguments-bytes" => self.arguments_bytes.into(),
            "facts-bytes" => self.facts_bytes.into(),
            "roles" => self.roles.into(),
            "memory-bytes" => self.memory_bytes.into(),
            "fuel" => self.fuel,
            "stack-bytes" => self.stack_bytes.into(),
            "output-bytes" => self.output_bytes.into(),
            "description-bytes" => self.description_bytes.into(),
            "warm-instances" => self.warm_instances.into(),
            "kept-bytes" => self.kept_bytes.into(),
            "instances" => self.instances.into(),
            "component-bytes" => self.component_bytes.into(),
            _ => self.compiled_bytes.into(),
        }
    }

    fn put(&mut self, name: &'static str, number: u64) -> Result<(), OptionError> {
        let (least, most) = NAMES
            .iter()
            .find(|(known, ..)| *known == name)
            .map_or((0, 0), |&(_, least, most)| (least, most));
        let bad = || OptionError::Value {
            name,
            value: number.to_string(),
            least,
            most,
        };
        if !(least..=most).contains(&number) {
            return Err(bad());
        }
        let narrow = u32::try_from(number);
        let field = match name {
            "arguments-bytes" => &mut self.arguments_bytes,
            "facts-bytes" => &mut self.facts_bytes,
            "roles" => &mut self.roles,
            "memory-bytes" => &mut self.memory_bytes,
            "fuel" => {
                self.fuel = number;
                return Ok(());
            }
            "stack-bytes" => &mut self.stack_bytes,
            "output-bytes" => &mut self.output_bytes,
            "description-bytes" => &mut self.description_bytes,
            "warm-instances" => &mut self.warm_instances,
            "kept-bytes" => &mut self.kept_bytes,
            "instances" => &mut self.instances,
            "component-bytes" => &mut self.component_bytes,
            _ => &mut self.compiled_bytes,
        };
        *field = narrow.map_err(|_| bad())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_ranges() {
        Limits::default().check().unwrap();
    }

    #[test]
    fn every_name_reaches_a_field_of_its_own() {
        for (name, least, most) in NAMES {
            let mut limits = Limits::default();
            let other = if limits.value(name) == most {
                least
            } else {
                most
            };
            limits.set(name, &other.to_string()).unwrap();
            for (seen, ..) in NAMES {
                let expected = if seen == name {
                    other
                } else {
                    Limits::default().value(seen)
                };
                assert_eq!(limits.value(seen), expected, "{seen} after {name}");
            }
        }
    }

    #[test]
    fn refuses_unknown_names_and_values_out_of_range() {
        let mut limits = Limits::default();
        let unknown = limits.set("feul", "1").unwrap_err().to_string();
        assert!(
            unknown.contains("`feul`") && unknown.contains("`fuel`"),
            "{unknown}"
        );
        for (name, value) in [
            ("fuel", "0"),
            ("fuel", "-1"),
            ("fuel", "1e9"),
            ("fuel", ""),
            ("fuel", "+5"),
            ("instances", "8193"),
        ] {
            let error = limits.set(name, value).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        assert_eq!(limits, Limits::default());
        assert!(
            Limits {
                instances: 0,
                ..Limits::default()
            }
            .check()
            .is_err()
        );
    }
}
