//! Owns the description of the API as protobuf, `OpenAPI` 2, which kubectl up to 1.28 asks for before it writes: which
//! parameters the patches of each kind take. It says nothing of shapes: those kubectls know the built-in kinds.

use super::kinds::{KINDS, Kind};
use super::openapi;

/// The content type, as a real server names it: not quite what it is asked for.
pub(super) const TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// The numbers of the fields that are written, in the order of their messages.
mod field {
    pub const DOCUMENT_SWAGGER: u8 = 1;
    pub const DOCUMENT_INFO: u8 = 2;
    pub const DOCUMENT_PATHS: u8 = 8;
    pub const INFO_TITLE: u8 = 1;
    pub const INFO_VERSION: u8 = 2;
    pub const PATHS_PATH: u8 = 2;
    pub const NAMED_NAME: u8 = 1;
    pub const NAMED_VALUE: u8 = 2;
    pub const PATH_PATCH: u8 = 8;
    pub const OPERATION_PARAMETERS: u8 = 8;
    pub const OPERATION_EXTENSION: u8 = 13;
    pub const ITEM_PARAMETER: u8 = 1;
    pub const PARAMETER_NOT_OF_THE_BODY: u8 = 2;
    pub const NOT_OF_THE_BODY_QUERY: u8 = 3;
    pub const QUERY_IN: u8 = 2;
    pub const QUERY_NAME: u8 = 4;
    pub const QUERY_TYPE: u8 = 6;
    pub const ANY_YAML: u8 = 2;
}

/// The whole document.
pub(super) fn document() -> Vec<u8> {
    let info = [text(field::INFO_TITLE, "Kubernetes"), text(field::INFO_VERSION, openapi::VERSION)];
    let paths: Vec<u8> = KINDS.iter().filter(|kind| !kind.review).flat_map(path).collect();
    [
        text(field::DOCUMENT_SWAGGER, "2.0"),
        part(field::DOCUMENT_INFO, &info.concat()),
        part(field::DOCUMENT_PATHS, &paths),
    ]
    .concat()
}

/// The path of one object of a kind, with its patch.
fn path(kind: &Kind) -> Vec<u8> {
    let version = format!("group: {:?}\nversion: v1\nkind: {}\n", kind.group, kind.kind);
    let extension = named("x-kubernetes-group-version-kind", &text(field::ANY_YAML, &version));
    let mut patch: Vec<u8> = openapi::PARAMETERS.iter().flat_map(|name| parameter(name)).collect();
    patch.extend(part(field::OPERATION_EXTENSION, &extension));
    let name = format!("{}/{{name}}", openapi::list_path(kind));
    part(field::PATHS_PATH, &named(&name, &part(field::PATH_PATCH, &patch)))
}

/// A parameter of the query.
fn parameter(name: &str) -> Vec<u8> {
    let query = [
        text(field::QUERY_IN, "query"),
        text(field::QUERY_NAME, name),
        text(field::QUERY_TYPE, "string"),
    ]
    .concat();
    let query = part(field::NOT_OF_THE_BODY_QUERY, &query);
    let parameter = part(field::PARAMETER_NOT_OF_THE_BODY, &query);
    part(field::OPERATION_PARAMETERS, &part(field::ITEM_PARAMETER, &parameter))
}

fn named(name: &str, value: &[u8]) -> Vec<u8> {
    [text(field::NAMED_NAME, name), part(field::NAMED_VALUE, value)].concat()
}

fn text(number: u8, text: &str) -> Vec<u8> {
    part(number, text.as_bytes())
}

/// A field that is a message or a text: its number, its length, its bytes.
fn part(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut left = bytes.len();
    while left > 0x7f {
        out.push(u8::try_from(left & 0x7f).unwrap_or_default() | 0x80);
        left >>= 7;
    }
    out.push(u8::try_from(left).unwrap_or_default());
    out.extend(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::protobuf::{Wire, wires};

    /// All messages or texts at the end of a path of field numbers.
    fn at<'a>(body: &'a [u8], path: &[u8]) -> Vec<&'a [u8]> {
        let Some((first, rest)) = path.split_first() else { return vec![body] };
        let fields = wires(body).expect("protobuf").into_iter();
        fields
            .filter(|(number, _)| *number == u64::from(*first))
            .flat_map(|(_, wire)| match wire {
                Wire::Bytes(inner) => at(inner, rest),
                Wire::Number(_) => Vec::new(),
            })
            .collect()
    }

    #[test]
    fn an_older_kubectl_finds_that_fields_are_validated_by_the_server() {
        let document = document();
        let paths = at(&document, &[field::DOCUMENT_PATHS, field::PATHS_PATH]);
        let deployments = b"/apis/apps/v1/namespaces/{namespace}/deployments/{name}";
        let path = paths
            .into_iter()
            .find(|path| at(path, &[field::NAMED_NAME]) == [deployments])
            .expect("the path of a Deployment");
        let written = at(path, &[field::NAMED_VALUE, field::PATH_PATCH]);
        let kind =
            at(written[0], &[field::OPERATION_EXTENSION, field::NAMED_VALUE, field::ANY_YAML]);
        assert_eq!(kind, [b"group: \"apps\"\nversion: v1\nkind: Deployment\n"]);
        let names = [
            field::OPERATION_PARAMETERS,
            field::ITEM_PARAMETER,
            field::PARAMETER_NOT_OF_THE_BODY,
            field::NOT_OF_THE_BODY_QUERY,
            field::QUERY_NAME,
        ];
        assert_eq!(at(written[0], &names), openapi::PARAMETERS.map(str::as_bytes));
    }
}
