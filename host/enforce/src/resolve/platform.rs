//! The platform's policy, and its list of bans.

use super::{ResolveError, Resolved, Resolver, Settings};
use crate::live::LivePolicyBuilder;
use crate::platform::Platform;
use crate::source::SourceError;

impl Resolver {
    pub(super) fn platform(
        &self,
        settings: &Settings,
        builder: LivePolicyBuilder,
    ) -> Result<Resolved, ResolveError> {
        let Some(token) = settings.key.clone() else {
            let agent = self.agent.clone();
            let local = self.is_local(settings);
            return Err(ResolveError::NoPolicy { agent, local });
        };
        let mut platform = Platform::new(&self.agent, token, settings.url.clone());
        if settings.public_keys.is_empty() {
            if !self.trust_on_first_use {
                return Err(ResolveError::NoPublicKey);
            }
            platform = platform.dangerous_trust_on_first_use();
        }
        for public in &settings.public_keys {
            platform = platform.pin(public.clone());
        }
        if self.accept_unbound {
            platform = platform.dangerous_accept_unbound();
        }
        if let Some(max_age) = self.bans_max_age {
            platform = platform.bans_max_age(max_age);
        }
        let kill_switch = crate::kill::KillSwitch::new();
        // Under a maximal age a missing list counts as too old.
        let optional = self.bans_max_age.is_none();
        let missing = platform
            .enforce_bans_unless_missing(&kill_switch, optional)
            .map_err(SourceError::other)?;
        let live = platform.open(builder)?;
        let notice = missing.map(|none| format!("[hexgate] warning: {none}; it stops no call"));
        let mut resolved = self.resolved(live, notice.into_iter().collect());
        resolved.kill_switch = kill_switch;
        Ok(resolved)
    }
}
