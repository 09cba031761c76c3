//! What a server offers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp::RoleClient;
use rmcp::model::{
    PaginatedRequestParams, Prompt, Reference, Resource, ResourceTemplate, ServerCapabilities,
    SubscriptionFilter, Tool as Described,
};
use rmcp::service::{Peer, ServiceError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Parts;
use crate::catalogue::Review;
use crate::config::Offer;
use crate::names;
use crate::visible::{hidden_name, is_visible_name, make_visible};

/// What a server offered when it was last asked.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Its tools, as clients see them, by the server's names, in the server's order.
    pub(crate) tools: Vec<Arc<Tool>>,
    /// Tools that are not offered, with the reasons.
    pub(crate) withheld: BTreeMap<String, String>,
    /// Names of tools that stand for more than one.
    pub(crate) alike: Vec<String>,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) templates: Vec<ResourceTemplate>,
    /// Whether it completes arguments.
    pub(crate) can_complete: bool,
    /// How long what it says may be kept, in milliseconds. Zero: it does not say.
    pub(crate) ttl_ms: u64,
    read_at: Instant,
    /// Which version of the catalogue looked at the tools.
    pub(super) version: u64,
}

/// A tool that is offered.
#[derive(Debug, PartialEq)]
pub(crate) struct Tool {
    /// As the server calls it.
    pub(crate) name: String,
    /// As the policy calls it.
    pub(crate) decided_as: String,
    /// As clients see it, but for the name.
    pub(crate) shown: Described,
}

impl Snapshot {
    /// The tool of this name.
    pub(crate) fn tool(&self, name: &str) -> Option<&Arc<Tool>> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    pub(crate) fn has_prompt(&self, name: &str) -> bool {
        self.prompts.iter().any(|prompt| prompt.name == name)
    }

    pub(crate) fn has_resource(&self, uri: &str) -> bool {
        self.resources.iter().any(|it| it.uri == uri)
    }

    /// Whether it has a template that begins as an address does.
    pub(crate) fn has_template_of(&self, uri: &str) -> bool {
        self.templates.iter().any(|it| {
            let fixed = it.uri_template.split('{').next().unwrap_or_default();
            it.uri_template == uri || (!fixed.is_empty() && uri.starts_with(fixed))
        })
    }

    /// Whether it completes arguments of this. Which prompts there are is known where prompts are passed on.
    pub(crate) fn completes(&self, of: &Reference, offer: &Offer) -> bool {
        self.can_complete
            && match of {
                Reference::Prompt(prompt) => {
                    !offer.prompts.is_pass() || self.has_prompt(&prompt.name)
                }
                Reference::Resource(resource) => {
                    self.has_resource(&resource.uri) || self.has_template_of(&resource.uri)
                }
                _ => false,
            }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.tools == other.tools
            && self.prompts == other.prompts
            && self.resources == other.resources
            && self.templates == other.templates
    }

    /// Whether it may be kept no longer, as the server says.
    pub(super) fn is_old(&self, version: u64) -> bool {
        self.version != version || self.ttl_ms > 0 && self.age().as_millis() >= self.ttl_ms.into()
    }

    /// How long ago the server was asked.
    pub(super) fn age(&self) -> Duration {
        self.read_at.elapsed()
    }
}

/// Which lists of a server are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lists {
    pub(super) tools: bool,
    pub(super) prompts: bool,
    pub(super) resources: bool,
}

impl Lists {
    /// Those that it has, and of which something is passed on.
    pub(super) fn of(capabilities: &ServerCapabilities, offer: &Offer) -> Self {
        Self {
            tools: capabilities.tools.is_some(),
            prompts: offer.prompts.is_pass() && capabilities.prompts.is_some(),
            resources: offer.resources.is_pass() && capabilities.resources.is_some(),
        }
    }

    /// Whether a server of an older version says that it tells of changes of all of them.
    pub(super) fn are_announced(self, capabilities: &ServerCapabilities) -> bool {
        let tools = capabilities.tools.as_ref().and_then(|it| it.list_changed);
        let prompts = capabilities.prompts.as_ref().and_then(|it| it.list_changed);
        let resources = capabilities.resources.as_ref();
        let resources = resources.and_then(|it| it.list_changed);
        self.are_among(tools, prompts, resources)
    }

    /// Whether a server of a newer version agreed to tell of changes of all of them.
    pub(super) fn are_in(self, agreed: &SubscriptionFilter) -> bool {
        self.are_among(
            agreed.tools_list_changed,
            agreed.prompts_list_changed,
            agreed.resources_list_changed,
        )
    }

    fn are_among(
        self,
        tools: Option<bool>,
        prompts: Option<bool>,
        resources: Option<bool>,
    ) -> bool {
        let is_told = |is_read: bool, says: Option<bool>| !is_read || says == Some(true);
        is_told(self.tools, tools)
            && is_told(self.prompts, prompts)
            && is_told(self.resources, resources)
    }
}

/// Asks a server for everything that may be offered.
pub(super) async fn read(
    server: &str,
    parts: &Parts,
    peer: &Peer<RoleClient>,
) -> Result<Snapshot, String> {
    let info = peer.peer_info();
    let Some(capabilities) = info.as_ref().map(|info| &info.capabilities) else {
        return Err("it names no capabilities".to_owned());
    };
    let lists = Lists::of(capabilities, &parts.offer);
    let mut ttl = Ttl::default();
    let read_at = Instant::now();
    // Before the review: what changes meanwhile is reviewed again.
    let version = parts.catalogue.version();
    let most = parts.limits.items;
    let mut tools = Vec::new();
    if lists.tools {
        let mut pages = Pages::new(most);
        while let Some(page) = pages.next("tools")? {
            let page = peer.list_tools(page).await.map_err(failed("tools"))?;
            ttl.add(page.ttl_ms);
            pages.took("tools", &page.tools, page.next_cursor)?;
            tools.extend(page.tools);
        }
    }
    let (mut prompts, mut resources, mut templates) = (Vec::new(), Vec::new(), Vec::new());
    if lists.prompts {
        let mut pages = Pages::new(most);
        while let Some(page) = pages.next("prompts")? {
            let page = peer.list_prompts(page).await.map_err(failed("prompts"))?;
            ttl.add(page.ttl_ms);
            pages.took("prompts", &page.prompts, page.next_cursor)?;
            prompts.extend(visible(page.prompts, |it: &Prompt| &it.name));
        }
    }
    if lists.resources {
        let mut pages = Pages::new(most);
        while let Some(page) = pages.next("resources")? {
            let page = peer
                .list_resources(page)
                .await
                .map_err(failed("resources"))?;
            ttl.add(page.ttl_ms);
            pages.took("resources", &page.resources, page.next_cursor)?;
            resources.extend(visible(page.resources, |it: &Resource| &it.uri));
        }
        let mut pages = Pages::new(most);
        while let Some(page) = pages.next("templates")? {
            let page = peer
                .list_resource_templates(page)
                .await
                .map_err(failed("templates"))?;
            ttl.add(page.ttl_ms);
            pages.took("templates", &page.resource_templates, page.next_cursor)?;
            let page = page.resource_templates;
            templates.extend(visible(page, |it: &ResourceTemplate| &it.uri_template));
        }
    }
    let can_complete = parts.offer.completions.is_pass() && capabilities.completions.is_some();
    Ok(reviewed(
        server,
        parts,
        tools,
        Snapshot {
            tools: Vec::new(),
            withheld: BTreeMap::new(),
            alike: Vec::new(),
            prompts,
            resources,
            templates,
            can_complete,
            ttl_ms: ttl.0.unwrap_or(0),
            read_at,
            version,
        },
    ))
}

fn reviewed(server: &str, parts: &Parts, tools: Vec<Described>, mut into: Snapshot) -> Snapshot {
    let all: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
    let alike: BTreeSet<&str> = names::alike(all.iter().copied());
    into.alike = alike.iter().map(|name| (*name).to_owned()).collect();
    let mut reviews = parts.catalogue.review(server, &tools).into_iter();
    for tool in &tools {
        let name = tool.name.to_string();
        let review = reviews.next().unwrap_or_else(|| Review::Withhold {
            reason: "nobody looked at it".to_owned(),
        });
        let reason = if !names::is_tool(&name) {
            "its name is none that tools can have".to_owned()
        } else if alike.contains(&*name) {
            "another tool has this name, or one that differs from it by letter case alone"
                .to_owned()
        } else {
            match review {
                Review::Offer(shown) => {
                    into.tools.push(Arc::new(Tool {
                        decided_as: names::tool(server, &name),
                        name,
                        shown: *shown,
                    }));
                    continue;
                }
                Review::Withhold { reason } => reason,
            }
        };
        tracing::warn!(%server, tool = %hexgate_base::shortened(&name, 128), %reason, "a tool is withheld");
        into.withheld.insert(name, reason);
    }
    into
}

fn failed(what: &'static str) -> impl FnOnce(ServiceError) -> String {
    move |error| format!("it does not say its {what}: {error}")
}

/// The smallest time that any page may be kept.
#[derive(Default)]
struct Ttl(Option<u64>);

impl Ttl {
    fn add(&mut self, ttl: Option<u64>) {
        let ttl = ttl.unwrap_or(0);
        self.0 = Some(self.0.map_or(ttl, |smallest| smallest.min(ttl)));
    }
}

/// What of a list can be shown, with everything visible. Names by which a client asks cannot be changed: what has a name that is not seen whole
/// is left out.
fn visible<T: Serialize + DeserializeOwned>(
    items: Vec<T>,
    name: impl Fn(&T) -> &String,
) -> impl Iterator<Item = T> {
    items.into_iter().filter_map(move |item| {
        let mut value = serde_json::to_value(&item).ok()?;
        // The names of a prompt's arguments are asked by too.
        let arguments = value.get("arguments").and_then(Value::as_array);
        let mut arguments = arguments.into_iter().flatten();
        let is_seen = is_visible_name(name(&item))
            && hidden_name(&value).is_none()
            && arguments.all(|it| {
                it.get("name")
                    .and_then(Value::as_str)
                    .is_none_or(is_visible_name)
            });
        if !is_seen {
            let name = hexgate_base::shortened(name(&item), 128);
            tracing::warn!(%name, "what has a name with characters that are not seen is not offered");
            return None;
        }
        make_visible(&mut value);
        serde_json::from_value(value).ok()
    })
}

/// The largest list, in bytes of JSON, cursors included. One message of a server is smaller, and a list has many.
const MAX_BYTES: usize = 32 << 20;

/// Pages of a list, until there are no more or too many.
struct Pages {
    next: Option<Option<String>>,
    seen: BTreeSet<String>,
    items: usize,
    bytes: usize,
    most: usize,
}

impl Pages {
    fn new(most: usize) -> Self {
        Self {
            next: Some(None),
            seen: BTreeSet::new(),
            items: 0,
            bytes: 0,
            most,
        }
    }

    /// What to ask for the next page. None: there is none.
    fn next(&mut self, what: &str) -> Result<Option<Option<PaginatedRequestParams>>, String> {
        if self.items > self.most {
            return Err(format!("it has more than {} {what}", self.most));
        }
        let Some(next) = self.next.take() else {
            return Ok(None);
        };
        let Some(cursor) = next else {
            return Ok(Some(None));
        };
        // Each page is at least one that was not seen, so that an endless list ends here.
        if self.seen.len() > self.most || !self.seen.insert(cursor.clone()) {
            return Err(format!("its list of {what} has no end"));
        }
        let params = PaginatedRequestParams::default().with_cursor(Some(cursor));
        Ok(Some(Some(params)))
    }

    fn took(
        &mut self,
        what: &str,
        items: &[impl Serialize],
        cursor: Option<String>,
    ) -> Result<(), String> {
        let bytes = serde_json::to_vec(items).map_err(|error| error.to_string())?;
        let cursor_bytes = cursor.as_ref().map_or(0, String::len);
        self.bytes = self.bytes.saturating_add(bytes.len() + cursor_bytes);
        if self.bytes > MAX_BYTES {
            return Err(format!(
                "its list of {what} has more than {MAX_BYTES} bytes"
            ));
        }
        self.items += items.len();
        self.next = cursor.map(Some);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_at_most_so_many_bytes_cursors_included() {
        let large = "x".repeat(MAX_BYTES / 2 - 100);
        let mut pages = Pages::new(10);
        assert_eq!(pages.took("tools", &[&large], Some("a".to_owned())), Ok(()));
        let more = pages.took("tools", &[&large], Some("x".repeat(300)));
        assert!(more.is_err_and(|why| why.contains("bytes")));
    }
}
