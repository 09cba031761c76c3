//! The macros.

/// Exports a policy into the world `hexgate:policy/policy`. Once in a package.
///
/// - `export!(Refunds)`: a [`Policy`](crate::Policy) decides alone.
/// - `export!(Refunds narrows "policy")`: a [`Check`](crate::Check) beside the YAML policy in `policy.yaml`, which is compiled into
///   `policy.plan`, both beside `Cargo.toml`. `hexgate-compile Cargo.toml` writes the plan, and so does
///   `hexgate-compile policy.yaml --emit plan`. A plan that is not that of the YAML does not compile.
///
/// On other targets than WebAssembly nothing is exported; [`testing::Ask`](crate::testing::Ask) asks the policy.
#[macro_export]
macro_rules! export {
    ($policy:ident) => {
        impl $crate::exported::Exported for $policy {
            const SOURCE_DIGEST: [u8; 32] =
                $crate::exported::digest(::core::option_env!("HEXGATE_SOURCE_DIGEST"));
            const PLAN: ::core::option::Option<&'static [u8]> = ::core::option::Option::None;
            const TERMS: &'static [$crate::Terms] = <$policy as $crate::Policy>::TERMS;

            fn answer(
                request: &$crate::exported::Request<'_>,
            ) -> ::core::result::Result<$crate::exported::Verdict, $crate::exported::Error> {
                $crate::exported::alone::<Self>(request)
            }
        }
        $crate::__export_component!($policy);
    };
    ($check:ident narrows $yaml:literal) => {
        impl $crate::exported::Exported for $check {
            const SOURCE_DIGEST: [u8; 32] =
                $crate::exported::digest(::core::option_env!("HEXGATE_SOURCE_DIGEST"));
            const PLAN: ::core::option::Option<&'static [u8]> =
                ::core::option::Option::Some(::core::include_bytes!(::core::concat!(
                    ::core::env!("CARGO_MANIFEST_DIR"),
                    "/",
                    $yaml,
                    ".plan"
                )));
            const TERMS: &'static [$crate::Terms] = <$check as $crate::Check>::TERMS;

            fn answer(
                request: &$crate::exported::Request<'_>,
            ) -> ::core::result::Result<$crate::exported::Verdict, $crate::exported::Error> {
                match Self::PLAN {
                    ::core::option::Option::Some(plan) => {
                        $crate::exported::narrowed::<Self>(plan, request)
                    }
                    ::core::option::Option::None => {
                        ::core::result::Result::Err($crate::exported::Error::Internal("no plan"))
                    }
                }
            }
        }
        #[allow(long_running_const_eval, reason = "a digest takes as long as the file")]
        const _: () = ::core::assert!(
            match <$check as $crate::exported::Exported>::PLAN {
                ::core::option::Option::Some(plan) => $crate::exported::is_compiled_from(
                    plan,
                    ::core::include_bytes!(::core::concat!(
                        ::core::env!("CARGO_MANIFEST_DIR"),
                        "/",
                        $yaml,
                        ".yaml"
                    ))
                ),
                ::core::option::Option::None => false,
            },
            ::core::concat!(
                "`",
                $yaml,
                ".plan` is not compiled from `",
                $yaml,
                ".yaml`: run `hexgate-compile ",
                $yaml,
                ".yaml --emit plan`"
            )
        );
        $crate::__export_component!($check);
    };
}

/// What [`export!`] does on WebAssembly.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_component {
    ($policy:ident) => {
        const _: () = ::core::assert!(
            $crate::exported::are_possible(<$policy as $crate::exported::Exported>::TERMS),
            "terms of an approval that nobody can fulfil: 1 to 8 approvers, and at least a second"
        );
        #[cfg(target_family = "wasm")]
        #[allow(
            unsafe_code,
            reason = "an export carries a name that only the linker checks"
        )]
        const _: () = {
            type HexgateComponent = $crate::exported::Component<$policy>;
            $crate::exported::export_policy!(HexgateComponent with_types_in $crate::exported::bindings);
        };
    };
}

/// Demands that each condition is true, and returns a [`Denial`](crate::Denial) that names all that are not, as they are written.
/// A condition is a [`Truth`](crate::Truth) or a `bool`.
///
/// ```
/// # use hexgate_guest::{Call, Denial, require};
/// fn small(call: &Call<'_>) -> Result<(), Denial> {
///     require!(
///         call.args().only(&["amount"]),
///         call.arg("amount").more_than(0) & call.arg("amount").at_most(50),
///     );
///     Ok(())
/// }
/// ```
#[macro_export]
macro_rules! require {
    ($($condition:expr),+ $(,)?) => {
        $crate::Denial::unless(&[$((
            ::core::stringify!($condition),
            $crate::Holds::holds($condition),
        )),+])?
    };
}
