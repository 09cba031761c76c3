//! HTML made small and well-formed, in one pass over its tags.
//!
//! A page comes from a stranger. A tree of it can be as deep as the page is long, and a parser that repeats what was left open can make it
//! larger than the page. Here nothing is built: tags are read one by one, those that Markdown has are written again, closed where they end,
//! with the attributes that Markdown has, as long as bounds allow. The rest of the page is its text.

mod tags;

use html5gum::Tokenizer;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use reqwest::Url;

use self::tags::{is_around, is_dropped, is_inline, is_void, kept};

/// How deep tags stand in one another. What is deeper is text.
const MOST_DEPTH: usize = 48;
/// The most tags. What comes behind them is text.
const MOST_TAGS: usize = 20_000;
/// The longest address of a link or an image; others are left out.
const MOST_ADDRESS: usize = 2048;
/// The longest title, in characters.
const MOST_TITLE: usize = 500;

/// Tidy HTML.
#[derive(Debug, Default)]
pub(super) struct Tidied {
    pub(super) title: String,
    pub(super) html: String,
    /// Whether something was left out at the end.
    pub(super) is_cut: bool,
}

/// Tidies HTML. `base`: what links are relative to. `keeps_all`: also what stands around the text. `characters`: how much text is wanted; some
/// more is read, because Markdown has shorter ways to write.
pub(super) fn tidy(html: &str, base: Option<Url>, keeps_all: bool, characters: usize) -> Tidied {
    let mut writer = Writer {
        base,
        keeps_all,
        left: characters.saturating_mul(2).saturating_add(1000),
        ..Writer::default()
    };
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: html5gum::Span<()>| {
        writer.take(event);
        // Nothing more is wanted.
        writer.tidied.is_cut.then_some(())
    });
    // As the standard has it, so that `<` in a script begins no tag.
    emitter.naively_switch_states(true);
    // Reads to the end, or until the first answer.
    let stopped = Tokenizer::new_with_emitter(html, emitter).next();
    debug_assert!(
        stopped.is_none_or(|read| read.is_ok()),
        "reading a text cannot fail"
    );
    writer.finish()
}

/// A tag that begins, as far as it was read.
#[derive(Default)]
struct Begun {
    name: String,
    /// The attributes that Markdown has, each once.
    attributes: Vec<(&'static str, String)>,
    /// The attribute whose value comes next.
    next: Option<&'static str>,
}

#[derive(Default)]
struct Writer {
    base: Option<Url>,
    keeps_all: bool,
    /// How many characters may still come.
    left: usize,
    tidied: Tidied,
    open: Vec<&'static str>,
    tags: usize,
    /// What is passed over, by its tag, and how many of them are open.
    dropping: Option<(String, usize)>,
    in_title: bool,
    has_title: bool,
    begun: Begun,
}

impl Writer {
    fn take(&mut self, event: CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.begun = Begun {
                    name: short(name).unwrap_or_default(),
                    ..Begun::default()
                };
            }
            CallbackEvent::AttributeName { name } => {
                let known = ["href", "src", "alt", "start", "class"];
                let known = known.into_iter().find(|known| known.as_bytes() == name);
                let is_new =
                    |name: &&str| self.begun.attributes.iter().all(|(other, _)| other != name);
                self.begun.next = known.filter(is_new);
            }
            CallbackEvent::AttributeValue { value } => {
                if let Some(name) = self.begun.next.take()
                    && let Some(value) = short(value)
                {
                    self.begun.attributes.push((name, value));
                }
            }
            CallbackEvent::CloseStartTag { self_closing } => {
                let begun = std::mem::take(&mut self.begun);
                self.start(&begun, self_closing);
            }
            CallbackEvent::EndTag { name } => {
                if let Some(name) = short(name) {
                    self.end(&name);
                }
            }
            CallbackEvent::String { value } => self.text(&String::from_utf8_lossy(value)),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_title {
            let left = MOST_TITLE.saturating_sub(self.tidied.title.chars().count());
            self.tidied.title.extend(text.chars().take(left));
        }
        if self.in_title || self.dropping.is_some() {
            return;
        }
        for char in text.chars() {
            if self.left == 0 {
                self.tidied.is_cut = true;
                return;
            }
            self.left -= 1;
            escape(char, &mut self.tidied.html);
        }
    }

    fn start(&mut self, tag: &Begun, closes_itself: bool) {
        let name = tag.name.as_str();
        if let Some((dropped, depth)) = &mut self.dropping {
            if dropped == name && !closes_itself {
                *depth += 1;
            }
            return;
        }
        if is_dropped(name) || (is_around(name) && !self.keeps_all) {
            if !closes_itself {
                self.dropping = Some((name.to_owned(), 1));
            }
            return;
        }
        if name == "title" {
            // The first one is the page's.
            self.in_title = !self.has_title;
            self.has_title = true;
            if !self.in_title {
                self.dropping = Some((name.to_owned(), 1));
            }
            return;
        }
        let Some(name) = kept(name) else { return };
        if self.left == 0 || self.tags >= MOST_TAGS {
            self.tidied.is_cut |= self.left == 0;
            return;
        }
        self.imply_ends(name);
        // Twice bold is bold. And a parser repeats what was left open: so nothing is open twice.
        let is_nested = is_inline(name) && self.open.contains(&name);
        if is_nested || self.open.len() >= MOST_DEPTH {
            return;
        }
        self.tags += 1;
        self.tidied.html.push('<');
        self.tidied.html.push_str(name);
        self.attributes(name, tag);
        self.tidied.html.push('>');
        if !is_void(name) {
            self.open.push(name);
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((dropped, depth)) = &mut self.dropping {
            if dropped == name {
                *depth -= 1;
                if *depth == 0 {
                    self.dropping = None;
                }
            }
            return;
        }
        if name == "title" {
            self.in_title = false;
            return;
        }
        if let Some(name) = kept(name)
            && let Some(place) = self.open.iter().rposition(|open| *open == name)
        {
            self.close(place);
        }
    }

    /// Closes what the standard closes when this begins.
    fn imply_ends(&mut self, name: &str) {
        let (closed, within): (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol"]),
            "td" | "th" => (&["td", "th"], &["table"]),
            "tr" => (&["tr"], &["table"]),
            "thead" | "tbody" => (&["thead", "tbody"], &["table"]),
            "a" => (&["a"], &[]),
            _ if is_inline(name) || is_void(name) && name != "hr" => return,
            _ => (&["p"], &["li", "td", "th", "blockquote", "div"]),
        };
        let found = self.open.iter().rposition(|open| closed.contains(open));
        let border = self.open.iter().rposition(|open| within.contains(open));
        if let Some(place) = found
            && border.is_none_or(|border| border < place)
        {
            self.close(place);
        }
    }

    fn close(&mut self, place: usize) {
        while self.open.len() > place
            && let Some(name) = self.open.pop()
        {
            self.tidied.html.push_str("</");
            self.tidied.html.push_str(name);
            self.tidied.html.push('>');
        }
    }

    fn attributes(&mut self, name: &str, tag: &Begun) {
        for (attribute, value) in &tag.attributes {
            let written = match (name, *attribute) {
                ("a", "href") => self.address("href", value),
                ("img", "src") => self.address("src", value),
                ("img", "alt") => Some(("alt", value.chars().take(MOST_TITLE).collect())),
                ("ol", "start") if value.len() < 6 => Some(("start", value.clone())),
                // The language of code.
                ("code", "class") if value.len() < 64 => Some(("class", value.clone())),
                _ => None,
            };
            if let Some((name, value)) = written {
                self.tidied.html.push(' ');
                self.tidied.html.push_str(name);
                self.tidied.html.push_str("=\"");
                value
                    .chars()
                    .for_each(|char| escape(char, &mut self.tidied.html));
                self.tidied.html.push('"');
            }
        }
    }

    /// A whole address of the web or of mail; no others.
    fn address(&self, name: &'static str, value: &str) -> Option<(&'static str, String)> {
        let url = match &self.base {
            Some(base) => base.join(value.trim()).ok()?,
            None => Url::parse(value.trim()).ok()?,
        };
        let is_good = matches!(url.scheme(), "http" | "https" | "mailto")
            && url.as_str().len() <= MOST_ADDRESS;
        is_good.then(|| (name, url.into()))
    }

    fn finish(mut self) -> Tidied {
        self.close(0);
        let title: Vec<&str> = self.tidied.title.split_whitespace().collect();
        self.tidied.title = title.join(" ");
        self.tidied
    }
}

/// A text, unless it is too long for a name or an address.
fn short(bytes: &[u8]) -> Option<String> {
    (bytes.len() <= MOST_ADDRESS).then(|| String::from_utf8_lossy(bytes).into_owned())
}

fn escape(char: char, to: &mut String) {
    match char {
        '&' => to.push_str("&amp;"),
        '<' => to.push_str("&lt;"),
        '>' => to.push_str("&gt;"),
        '"' => to.push_str("&quot;"),
        _ => to.push(char),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn html(text: &str) -> String {
        tidy(text, Url::parse("https://a.example/b/c").ok(), false, 1000).html
    }

    #[test]
    fn tags_are_closed_where_they_end() {
        for (text, tidied) in [
            ("<p>a<p>b", "<p>a</p><p>b</p>"),
            (
                "<ul><li>a<li>b<ul><li>c</ul><li>d</ul>",
                "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>",
            ),
            ("<b>a<i>b</b>c</i>", "<strong>a<em>b</em></strong>c"),
            ("<b>a<b>b</b>c", "<strong>ab</strong>c"),
            (
                "<table><tr><td>a<td>b<tr><td>c</table>",
                "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
            ),
            ("a<br/>b</p></div>", "a<br>b"),
            ("<section><h1>t</h1></section>", "<div><h1>t</h1></div>"),
            ("<blink>a</blink>", "a"),
            ("1 &lt; 2 &amp; \"x\"", "1 &lt; 2 &amp; &quot;x&quot;"),
        ] {
            assert_eq!(html(text), tidied, "{text}");
        }
    }

    #[test]
    fn what_is_not_text_is_left_out() {
        for text in [
            "<script>if (a < b) { '</p>' }</script>",
            "<style>a > b {}</style>",
            "<svg><text>x</text><svg></svg></svg>",
            "<nav><ul><li>home</nav>",
            "<title>t</title>",
            "<!-- <p>x</p> -->",
            "<template><p>x</template>",
            "<iframe><p>x</iframe>",
            "<textarea><p>x</textarea>",
        ] {
            assert_eq!(html(text), "", "{text}");
        }
        let kept = tidy("<nav>home</nav>", None, true, 1000);
        assert_eq!(kept.html, "<div>home</div>");
        assert_eq!(
            tidy("<title> a\n b </title><title>c</title>", None, false, 1000).title,
            "a b"
        );
    }

    #[test]
    fn addresses_are_whole_and_of_the_web() {
        for (text, tidied) in [
            (
                "<a href='../d?x=1&amp;y' onclick=x>z</a>",
                "<a href=\"https://a.example/d?x=1&amp;y\">z</a>",
            ),
            ("<a href='javascript:alert(1)'>z</a>", "<a>z</a>"),
            ("<a href='data:text/html,x'>z</a>", "<a>z</a>"),
            (
                "<img src=x.png alt='a \"b\"'>",
                "<img src=\"https://a.example/b/x.png\" alt=\"a &quot;b&quot;\">",
            ),
            ("<a href='//b.example\"><script>'>z</a>", "<a>z</a>"),
        ] {
            assert_eq!(html(text), tidied, "{text}");
        }
    }

    #[test]
    fn depth_tags_and_text_are_bounded() {
        let deep = html(&"<div>".repeat(100_000));
        assert_eq!(deep.matches("<div>").count(), MOST_DEPTH);
        assert_eq!(deep.matches("</div>").count(), MOST_DEPTH);
        let many = html(&"<br>".repeat(100_000));
        assert_eq!(many.matches("<br>").count(), MOST_TAGS);
        let long = tidy(&"x".repeat(100_000), None, false, 1000);
        assert!(
            long.is_cut && long.html.len() == 3000,
            "{}",
            long.html.len()
        );
        // What a parser would repeat for each paragraph.
        let bold = html(&format!(
            "{}{}",
            "<b class=1><i>".repeat(1000),
            "<p>".repeat(1000)
        ));
        assert_eq!(bold.matches("<strong>").count(), 1);
    }

    proptest! {
        #[test]
        fn what_is_opened_is_closed(text in "(</?(p|div|b|i|a|ul|li|table|tr|td|pre|code|title|script|nav|svg|textarea)( href=x)?/?>|[a-z<&;> ]){0,60}", keeps_all: bool) {
            let tidied = tidy(&text, None, keeps_all, 1000);
            let mut open: Vec<&str> = Vec::new();
            for part in tidied.html.split('<').skip(1) {
                let (tag, _) = part.split_once('>').unwrap();
                let name = tag.split(' ').next().unwrap();
                match name.strip_prefix('/') {
                    Some(name) => prop_assert_eq!(open.pop(), Some(name)),
                    None if is_void(name) => {}
                    None => open.push(name),
                }
                prop_assert!(open.len() <= MOST_DEPTH);
            }
            prop_assert!(open.is_empty());
        }
    }
}
