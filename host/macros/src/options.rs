//! What stands in the parentheses of the attribute.

use proc_macro2::TokenStream;
use syn::{Error, LitStr, Path, Result, meta::ParseNestedMeta, parse::Parser};

/// The options of a tool.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) concurrent: bool,
    pub(crate) preview: Option<Path>,
}

impl Options {
    pub(crate) fn read(tokens: TokenStream) -> Result<Self> {
        let mut options = Self::default();
        let read = |meta: ParseNestedMeta<'_>| options.option(&meta);
        syn::meta::parser(read).parse2(tokens)?;
        Ok(options)
    }

    fn option(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let name = meta
            .path
            .get_ident()
            .map(ToString::to_string)
            .unwrap_or_default();
        match name.as_str() {
            "name" if self.name.is_none() => {
                let name: LitStr = meta.value()?.parse()?;
                if name.value().trim().is_empty() {
                    return Err(Error::new(name.span(), "a tool has a name"));
                }
                self.name = Some(name);
            }
            "concurrent" if !self.concurrent => self.concurrent = true,
            "preview" if self.preview.is_none() => self.preview = Some(meta.value()?.parse()?),
            "name" | "concurrent" | "preview" => {
                return Err(meta.error(format!("`{name}` is given twice")));
            }
            _ => {
                return Err(meta.error(
                    "there is no such option: there are `name = \"…\"`, `concurrent` and `preview = FUNCTION`",
                ));
            }
        }
        Ok(())
    }
}
