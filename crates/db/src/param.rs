use std::borrow::Cow;
use std::fmt;

/// The kinds of value a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `TEXT`
    Text,
    /// `BIGINT`
    Int,
    /// `BOOLEAN`
    Bool,
}

/// The value of one `$n`. Made with [`params!`](crate::params) or `From`.
///
/// `Debug` shows the kind only.
#[derive(Clone, PartialEq, Eq)]
pub enum Param<'a> {
    /// SQL `NULL`, with the type of the column it is meant for.
    Null(Kind),
    /// Text.
    Text(Cow<'a, str>),
    /// A 64-bit integer.
    Int(i64),
    /// A truth value.
    Bool(bool),
}

/// The values of `$2`, `$3`, … in order (`$1` is the tenant): `params![id, name.as_deref(), now]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::Param::from($value)),*] };
}

/// Which [`Kind`] a Rust type becomes, so that `None` has a type too.
///
/// A newtype joins in with this and a `From<&Newtype> for Param<'_>`.
pub trait Typed {
    /// The kind of its column.
    const KIND: Kind;
}

impl Param<'_> {
    /// The same value, borrowing nothing.
    pub fn into_owned(self) -> Param<'static> {
        match self {
            Param::Null(kind) => Param::Null(kind),
            Param::Text(text) => Param::Text(Cow::Owned(text.into_owned())),
            Param::Int(value) => Param::Int(value),
            Param::Bool(value) => Param::Bool(value),
        }
    }
}

impl fmt::Debug for Param<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Param::Null(_) => "Null",
            Param::Text(_) => "Text(…)",
            Param::Int(_) => "Int(…)",
            Param::Bool(_) => "Bool(…)",
        })
    }
}

macro_rules! typed {
    ($($rust:ty => $kind:ident, $make:expr;)*) => {$(
        impl Typed for $rust {
            const KIND: Kind = Kind::$kind;
        }
        impl<'a> From<$rust> for Param<'a> {
            fn from(value: $rust) -> Param<'a> {
                let make: fn($rust) -> Param<'a> = $make;
                make(value)
            }
        }
    )*};
}

typed! {
    String => Text, |text| Param::Text(Cow::Owned(text));
    i64 => Int, Param::Int;
    &i64 => Int, |value| Param::Int(*value);
    i32 => Int, |value| Param::Int(value.into());
    u32 => Int, |value| Param::Int(value.into());
    bool => Bool, Param::Bool;
    &bool => Bool, |value| Param::Bool(*value);
}

impl Typed for &str {
    const KIND: Kind = Kind::Text;
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(text: &'a str) -> Param<'a> {
        Param::Text(Cow::Borrowed(text))
    }
}

impl Typed for &String {
    const KIND: Kind = Kind::Text;
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(text: &'a String) -> Param<'a> {
        Param::Text(Cow::Borrowed(text))
    }
}

impl<'a, T: Typed + Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Param<'a> {
        value.map_or(Param::Null(T::KIND), Into::into)
    }
}

impl<'a> From<&'a Option<String>> for Param<'a> {
    fn from(value: &'a Option<String>) -> Param<'a> {
        Param::from(value.as_ref())
    }
}

impl<'a> From<&'a Option<i64>> for Param<'a> {
    fn from(value: &'a Option<i64>) -> Param<'a> {
        Param::from(*value)
    }
}
