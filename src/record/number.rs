//! Numbers in JSON: the shortest spelling that round-trips, and "NaN", "Infinity", "-Infinity" for the rest.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A float that may be not finite.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct Real(pub f64);

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            x if x.is_nan() => serializer.serialize_str("NaN"),
            f64::INFINITY => serializer.serialize_str("Infinity"),
            f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
            x => serializer.serialize_f64(x),
        }
    }
}

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Real;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }
            fn visit_f64<E: Error>(self, x: f64) -> Result<Real, E> {
                Ok(Real(x))
            }
            fn visit_i64<E: Error>(self, i: i64) -> Result<Real, E> {
                Ok(Real(i as f64))
            }
            fn visit_u64<E: Error>(self, i: u64) -> Result<Real, E> {
                Ok(Real(i as f64))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Real, E> {
                match text {
                    "NaN" => Ok(Real(f64::NAN)),
                    "Infinity" => Ok(Real(f64::INFINITY)),
                    "-Infinity" => Ok(Real(f64::NEG_INFINITY)),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Any)
    }
}
