//! What a function becomes.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, Expr, ExprLit, ItemFn, Lit, LitStr, Meta, Result, ReturnType, Signature,
    Type, ext::IdentExt, spanned::Spanned,
};

use crate::{options::Options, parameters::Parameters};

/// The function that makes the tool.
pub(crate) fn tool(options: TokenStream, function: TokenStream) -> Result<TokenStream> {
    let options = Options::read(options)?;
    let function: ItemFn = syn::parse2(function).map_err(|error| {
        Error::new(
            error.span(),
            format!("a tool is made of a function: {error}"),
        )
    })?;
    check(&function.sig)?;
    let parameters = Parameters::read(&function.sig.inputs)?;
    let description = description(&function)?;
    let ident = &function.sig.ident;
    let name = options
        .name
        .unwrap_or_else(|| LitStr::new(&ident.unraw().to_string(), ident.span()));

    let (documented, others): (Vec<&Attribute>, Vec<&Attribute>) = function
        .attrs
        .iter()
        .partition(|attribute| attribute.path().is_ident("doc"));
    let visible = &function.vis;
    let asyncness = &function.sig.asyncness;
    let output = &function.sig.output;
    let block = &function.block;
    let Parameters {
        arguments,
        definition,
        call,
        declared,
    } = parameters;
    let concurrent = options
        .concurrent
        .then(|| quote!(let spec = spec.concurrent();));
    let preview = options
        .preview
        .map(|preview| quote!(let spec = spec.preview(#preview);));
    let answer = if is_result(output) {
        quote! {
            match answer {
                ::core::result::Result::Ok(answer) => ::hexgate_agent::made::answer(answer),
                ::core::result::Result::Err(error) => {
                    ::core::result::Result::Err(::core::convert::Into::into(error))
                }
            }
        }
    } else {
        quote!(::hexgate_agent::made::answer(answer))
    };
    let run = |wait: Option<TokenStream>| {
        quote! {
            #[allow(unused_variables, reason = "a tool may have no arguments")]
            let arguments: #arguments = ::hexgate_agent::made::arguments(&permit)?;
            #[allow(clippy::let_unit_value, reason = "a tool may answer nothing")]
            let answer = #ident(#(#call),*) #wait;
            #answer
        }
    };
    let body = match asyncness {
        Some(asyncness) => run(Some(quote!(.await).with_span(asyncness.span()))),
        // A function that waits in its own way must not hold up what waits in the executor's.
        None => {
            let run = run(None);
            quote! {
                let progress = ::core::clone::Clone::clone(progress);
                ::hexgate_agent::made::blocking(move || {
                    let progress = &progress;
                    let _ = progress;
                    #run
                })
                .await
            }
        }
    };
    Ok(quote! {
        #(#documented)*
        #visible fn #ident() -> impl ::hexgate_agent::tool::Tool + ::core::clone::Clone + ::core::fmt::Debug + 'static {
            #(#others)*
            #asyncness fn #ident(#(#declared),*) #output #block

            #definition

            #[derive(Clone, Debug)]
            struct __HexgateTool(::std::sync::Arc<::hexgate_agent::tool::ToolSpec>);

            #[::hexgate_agent::made::async_trait]
            impl ::hexgate_agent::tool::Tool for __HexgateTool {
                fn spec(&self) -> &::std::sync::Arc<::hexgate_agent::tool::ToolSpec> {
                    &self.0
                }

                async fn call(
                    &self,
                    permit: ::hexgate_agent::made::Permit,
                    progress: &::hexgate_agent::tool::Progress,
                ) -> ::core::result::Result<
                    ::hexgate_agent::tool::ToolOutput,
                    ::hexgate_agent::tool::ToolError,
                > {
                    let _ = progress;
                    #body
                }
            }

            let spec = ::hexgate_agent::made::spec::<#arguments>(#name, #description);
            #concurrent
            #preview
            __HexgateTool(::std::sync::Arc::new(spec))
        }
    })
}

/// A stream of tokens that errors about point elsewhere.
trait WithSpan {
    fn with_span(self, span: Span) -> TokenStream;
}

impl WithSpan for TokenStream {
    fn with_span(self, span: Span) -> TokenStream {
        self.into_iter()
            .map(|mut token| {
                token.set_span(span);
                token
            })
            .collect()
    }
}

/// What no tool can be made of.
fn check(signature: &Signature) -> Result<()> {
    let refuse = |part: &dyn Fn(&mut TokenStream), message: &str| {
        let mut tokens = TokenStream::new();
        part(&mut tokens);
        Err(Error::new_spanned(tokens, message))
    };
    if let Some(first) = signature.generics.params.first() {
        return refuse(
            &|tokens| first.to_tokens(tokens),
            "a tool has one type: the function has no generic parameters",
        );
    }
    if let Some(clause) = &signature.generics.where_clause {
        return refuse(
            &|tokens| clause.to_tokens(tokens),
            "a tool has one type: the function has no generic parameters",
        );
    }
    if let Some(unsafety) = &signature.unsafety {
        return refuse(
            &|tokens| unsafety.to_tokens(tokens),
            "a model must not have to keep promises: the function is not `unsafe`",
        );
    }
    if let Some(constness) = &signature.constness {
        return refuse(
            &|tokens| constness.to_tokens(tokens),
            "a tool runs when it is called: the function is not `const`",
        );
    }
    if let Some(abi) = &signature.abi {
        return refuse(
            &|tokens| abi.to_tokens(tokens),
            "a tool is called from Rust: the function is not `extern`",
        );
    }
    Ok(())
}

/// What the documentation says, as the model reads it.
fn description(function: &ItemFn) -> Result<String> {
    let lines = function.attrs.iter().filter_map(|attribute| {
        let Meta::NameValue(value) = &attribute.meta else {
            return None;
        };
        match &value.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(line),
                ..
            }) if value.path.is_ident("doc") => Some(line.value()),
            _ => None,
        }
    });
    let lines: Vec<String> = lines
        .map(|line| {
            line.strip_prefix(' ')
                .unwrap_or(&line)
                .trim_end()
                .to_owned()
        })
        .collect();
    let description = lines.join("\n").trim().to_owned();
    if description.is_empty() {
        return Err(Error::new(
            function.sig.ident.span(),
            "say what the tool is for, in a documentation comment: the model reads it",
        ));
    }
    Ok(description)
}

/// Whether a function returns a `Result` of any kind.
fn is_result(output: &ReturnType) -> bool {
    match output {
        ReturnType::Type(_, ty) => match &**ty {
            Type::Path(path) => path
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == "Result"),
            _ => false,
        },
        ReturnType::Default => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The errors that an author sees: the options, the function, what the error says.
    const REFUSED: &[(&str, &str, &str)] = &[
        ("", "/// D\nstruct A;", "a tool is made of a function"),
        ("", "fn f() {}", "say what the tool is for"),
        ("", "/// \nfn f() {}", "say what the tool is for"),
        ("", "#[doc(hidden)]\nfn f() {}", "say what the tool is for"),
        ("", "/// D\nfn f(&self) {}", "not of a method"),
        ("", "/// D\nfn f<T>(a: T) {}", "no generic parameters"),
        ("", "/// D\nfn f<'a>(a: A<'a>) {}", "no generic parameters"),
        ("", "/// D\nunsafe fn f() {}", "not `unsafe`"),
        ("", "/// D\nconst fn f() {}", "not `const`"),
        ("", "/// D\nextern \"C\" fn f() {}", "not `extern`"),
        ("", "/// D\nfn f(a: &str) {}", "take a `String`"),
        ("", "/// D\nfn f(a: &[u8]) {}", "take it by value"),
        ("", "/// D\nfn f(a: impl Into<String>) {}", "name it"),
        ("", "/// D\nfn f((a, b): (u8, u8)) {}", "give it one"),
        ("", "/// D\nfn f(_: u8) {}", "give it one"),
        ("", "/// D\nfn f(permit: Permit) {}", "take it as `&Permit`"),
        ("", "/// D\nfn f(permit: &mut Permit) {}", "without `mut`"),
        (
            "",
            "/// D\nfn f(progress: tool::Progress) {}",
            "take it as `&Progress`",
        ),
        (
            "",
            "/// D\nfn f(a: &Permit, b: &Permit) {}",
            "has one of these",
        ),
        (
            "",
            "/// D\nfn f(#[arguments] a: A, b: u8) {}",
            "make this a field of its type",
        ),
        (
            "",
            "/// D\nfn f(#[arguments] a: A, #[arguments] b: B) {}",
            "is given twice",
        ),
        (
            "names = \"a\"",
            "/// D\nfn f() {}",
            "there are `name = \"…\"`, `concurrent` and `preview = FUNCTION`",
        ),
        ("name = \" \"", "/// D\nfn f() {}", "a tool has a name"),
        ("name = a", "/// D\nfn f() {}", "expected string literal"),
        (
            "concurrent, concurrent",
            "/// D\nfn f() {}",
            "is given twice",
        ),
        ("preview", "/// D\nfn f() {}", "expected `=`"),
    ];

    #[test]
    fn what_is_no_tool_is_refused() {
        for (options, function, message) in REFUSED {
            let error = tool(options.parse().unwrap(), function.parse().unwrap()).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(message), "{options} {function}: {text}");
        }
    }

    #[test]
    fn a_function_that_is_not_async_runs_where_it_may_block() {
        for (function, blocks) in [
            ("/// D\nfn f(a: u8) -> u8 { a }", true),
            ("/// D\nasync fn f(a: u8) -> u8 { a }", false),
        ] {
            let made = tool(TokenStream::new(), function.parse().unwrap()).unwrap();
            let text = made.to_string();
            assert_eq!(text.contains("made :: blocking"), blocks, "{text}");
        }
    }

    #[test]
    fn the_function_itself_cannot_be_reached() {
        let made = tool(
            TokenStream::new(),
            "/// Doc\n/// umentation\n#[inline]\npub async fn f(a: u8) -> u8 { a }"
                .parse()
                .unwrap(),
        )
        .unwrap();
        let file: syn::File = syn::parse2(made).unwrap();
        let [syn::Item::Fn(maker)] = file.items.as_slice() else {
            panic!("one function is made of one");
        };
        assert!(maker.sig.inputs.is_empty());
        assert!(maker.sig.asyncness.is_none());
        let text = maker.block.to_token_stream().to_string();
        assert!(text.contains("\"Doc\\numentation\""), "{text}");
        assert!(
            text.contains("# [inline] async fn f (a : u8) -> u8"),
            "{text}"
        );
    }
}
