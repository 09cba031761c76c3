//! The names of the contract and its parts. The version is here and in the WIT, nowhere else.

/// The version of the contract, as a literal for [`concat!`].
#[macro_export]
macro_rules! version {
    () => {
        "0.2.0"
    };
}

/// The full name of an interface of the contract, as a literal.
#[macro_export]
macro_rules! interface {
    ($interface:literal) => {
        ::core::concat!("hexgate:policy/", $interface, "@", $crate::version!())
    };
}

/// The name of a contract's function in a core module, as a literal that also fits an attribute `export_name`.
#[macro_export]
macro_rules! core_export {
    ($interface:literal, $function:literal) => {
        ::core::concat!($crate::interface!($interface), "#", $function)
    };
}

/// The version of the contract.
pub const VERSION: &str = version!();
/// The contract with its version, as bundles name it.
pub const PACKAGE: &str = concat!("hexgate:policy@", version!());
/// The world that every policy is of, without its version.
pub const WORLD: &str = "hexgate:policy/policy";
/// The interface that decides.
pub const DECISION: &str = interface!("decision");
/// The interface that describes.
pub const DESCRIPTION: &str = interface!("description");

/// A function that every policy exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// The full name of its interface.
    pub interface: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// Its name in the core module.
    pub core: &'static str,
}

macro_rules! function {
    ($interface:literal, $name:literal) => {
        Function {
            interface: interface!($interface),
            name: $name,
            core: core_export!($interface, $name),
        }
    };
}

/// Decides one tool call.
pub const DECIDE: Function = function!("decision", "decide");
/// Whether a scope covers a path.
pub const COVERS: Function = function!("decision", "covers");
/// Describes the policy as a whole.
pub const ABOUT: Function = function!("description", "about");
/// Lists roles.
pub const ROLES: Function = function!("description", "roles");
/// Lists the rules of a role.
pub const RULES: Function = function!("description", "rules");
/// Lists what is forbidden.
pub const FORBIDS: Function = function!("description", "forbids");
/// Shows a file scope.
pub const SCOPE: Function = function!("description", "scope");
/// Shows the terms of an approval.
pub const TERMS: Function = function!("description", "terms");
/// All functions, in the order of the WIT.
pub const FUNCTIONS: [Function; 8] = [DECIDE, COVERS, ABOUT, ROLES, RULES, FORBIDS, SCOPE, TERMS];
