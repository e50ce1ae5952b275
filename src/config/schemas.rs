//! The schemas of an agent's answers, as they stand in agents.yaml.
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::name::is_valid_name;
use crate::machines::schema::Schema;

/// Names and checked schemas.
#[derive(Debug, Clone, Default)]
pub(super) struct Schemas(pub BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Schemas {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_map(SchemasVisitor)
    }
}

struct SchemasVisitor;

impl<'de> Visitor<'de> for SchemasVisitor {
    type Value = Schemas;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a mapping of names to JSON Schemas")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Schemas, A::Error> {
        let mut schemas = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if !is_valid_name(&name) {
                return Err(A::Error::custom("the name of a schema is made of letters, digits, `-` and `_`"));
            }
            let schema = map.next_value::<CheckedSchema>()?;
            schemas.insert(name, schema.0);
        }
        Ok(Schemas(schemas))
    }
}

/// One schema, checked where it stands, so that the parser knows the place.
struct CheckedSchema(Value);

impl<'de> Deserialize<'de> for CheckedSchema {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let schema = Schema::new(Value::deserialize(source)?).map_err(D::Error::custom)?;
        Ok(Self(schema.value().clone()))
    }
}
