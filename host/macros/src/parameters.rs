//! The parameters of a function: its arguments, and what a tool gets beside them.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{
    Attribute, Error, FnArg, Ident, Pat, PatType, Result, Type, punctuated::Punctuated,
    token::Comma,
};

/// What a function takes.
pub(crate) struct Parameters {
    /// The type of all arguments together, and its definition unless it is the author's.
    pub(crate) arguments: Type,
    pub(crate) definition: TokenStream,
    /// What the function is called with.
    pub(crate) call: Vec<TokenStream>,
    /// The parameters as the function declares them, without the attributes that are read here.
    pub(crate) declared: Vec<PatType>,
}

enum Role {
    Permit,
    Progress,
    Argument,
}

impl Parameters {
    pub(crate) fn read(inputs: &Punctuated<FnArg, Comma>) -> Result<Self> {
        let mut call = Vec::new();
        let mut declared = Vec::new();
        let mut fields = Vec::new();
        let mut whole: Option<Type> = None;
        let (mut permits, mut progresses) = (0, 0);
        for input in inputs {
            let FnArg::Typed(parameter) = input else {
                return Err(Error::new_spanned(
                    input,
                    "a tool is made of a function, not of a method",
                ));
            };
            let is_whole = parameter.attrs.iter().any(is_arguments);
            match role(&parameter.ty)? {
                Role::Permit => {
                    permits += 1;
                    call.push(quote!(&permit));
                }
                Role::Progress => {
                    progresses += 1;
                    call.push(quote!(progress));
                }
                Role::Argument if is_whole => {
                    if whole.is_some() {
                        return Err(Error::new_spanned(
                            parameter,
                            "`#[arguments]` is given twice",
                        ));
                    }
                    whole = Some((*parameter.ty).clone());
                    call.push(quote!(arguments));
                }
                Role::Argument => {
                    let name = name(parameter)?;
                    let attributes = &parameter.attrs;
                    let ty = &parameter.ty;
                    fields.push((quote!(#(#attributes)* #name: #ty), name.clone()));
                    call.push(quote!(arguments.#name));
                }
            }
            if permits > 1 || progresses > 1 {
                return Err(Error::new_spanned(parameter, "a tool has one of these"));
            }
            declared.push(PatType {
                attrs: Vec::new(),
                ..parameter.clone()
            });
        }
        if let (Some(_), Some((_, name))) = (&whole, fields.first()) {
            return Err(Error::new(
                name.span(),
                "all arguments are in the parameter with `#[arguments]`: make this a field of its type",
            ));
        }
        let (arguments, definition) = match whole {
            Some(ty) => (ty, TokenStream::new()),
            None => own(&fields),
        };
        Ok(Self {
            arguments,
            definition,
            call,
            declared,
        })
    }
}

/// A type of the arguments, made of the parameters.
fn own(fields: &[(TokenStream, Ident)]) -> (Type, TokenStream) {
    // A name that no type of the author's has, as they are in scope.
    let name = format_ident!("__HexgateArguments", span = Span::call_site());
    let fields = fields.iter().map(|(field, _)| field);
    let definition = quote! {
        #[derive(
            ::hexgate_agent::made::serde::Deserialize,
            ::hexgate_agent::made::schemars::JsonSchema,
        )]
        #[serde(crate = "::hexgate_agent::made::serde", deny_unknown_fields)]
        #[schemars(crate = "::hexgate_agent::made::schemars")]
        struct #name { #(#fields,)* }
    };
    (syn::parse_quote!(#name), definition)
}

fn name(parameter: &PatType) -> Result<Ident> {
    match &*parameter.pat {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
            Ok(pattern.ident.clone())
        }
        pattern => Err(Error::new_spanned(
            pattern,
            "the model calls an argument by its name: give it one",
        )),
    }
}

fn is_arguments(attribute: &Attribute) -> bool {
    attribute.path().is_ident("arguments")
}

fn role(ty: &Type) -> Result<Role> {
    match ty {
        Type::Reference(reference) => {
            let role = match last_segment(&reference.elem).as_deref() {
                Some("Permit") => Role::Permit,
                Some("Progress") => Role::Progress,
                Some("str") => {
                    return Err(Error::new_spanned(
                        ty,
                        "an argument owns what it has: take a `String`",
                    ));
                }
                _ => {
                    return Err(Error::new_spanned(
                        ty,
                        "an argument owns what it has: take it by value",
                    ));
                }
            };
            match reference.mutability {
                None => Ok(role),
                Some(_) => Err(Error::new_spanned(
                    ty,
                    "it is not changed: take it without `mut`",
                )),
            }
        }
        Type::ImplTrait(_) | Type::Infer(_) => Err(Error::new_spanned(
            ty,
            "the JSON schema is made of the type of an argument: name it",
        )),
        ty => match last_segment(ty).as_deref() {
            Some("Permit") => Err(Error::new_spanned(ty, "take it as `&Permit`")),
            Some("Progress") => Err(Error::new_spanned(ty, "take it as `&Progress`")),
            _ => Ok(Role::Argument),
        },
    }
}

fn last_segment(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
}
