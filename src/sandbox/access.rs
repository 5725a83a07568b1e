//! Owns who may do what: users, their rules, denials, and the access reviews.

use serde_json::{Map, Value, json};

use super::failure::{Answer, Failure};
use super::kinds::Kind;

/// The user that may do everything.
pub(super) const ADMIN: &str = "admin";

/// Permits verbs on resources. `*` stands for all.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
    pub verbs: Vec<String>,
    /// `""` for the core group, `apps`, ...
    pub groups: Vec<String>,
    /// Plural names; `pods/log` for a subresource.
    pub resources: Vec<String>,
    /// Only these objects; none named means all.
    pub names: Vec<String>,
}

impl Rule {
    /// Permits these verbs on these resources, in every group, whatever their name.
    pub fn new(verbs: &[&str], resources: &[&str]) -> Rule {
        let own = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect();
        Rule {
            verbs: own(verbs),
            groups: own(&["*"]),
            resources: own(resources),
            names: Vec::new(),
        }
    }

    fn permits(&self, asked: &Asked) -> bool {
        let has =
            |list: &[String], item: &str| list.iter().any(|entry| entry == "*" || entry == item);
        has(&self.verbs, asked.verb)
            && has(&self.groups, asked.group)
            && has(&self.resources, &asked.full_resource())
            && (self.names.is_empty() || self.names.iter().any(|name| name == asked.name))
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) verb: &'a str,
    pub(super) group: &'a str,
    pub(super) resource: &'a str,
    pub(super) subresource: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

impl Asked<'_> {
    fn full_resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.to_owned()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }
}

#[derive(Debug)]
struct Denial {
    user: String,
    verb: String,
    resource: String,
    name: String,
}

/// The rules of all users.
#[derive(Debug, Default)]
pub(super) struct Access {
    rules: Vec<(String, Rule)>,
    denials: Vec<Denial>,
}

impl Access {
    pub(super) fn grant(&mut self, user: &str, rules: &[Rule]) {
        self.rules.extend(rules.iter().map(|rule| (user.to_owned(), rule.clone())));
    }

    pub(super) fn deny(&mut self, user: &str, verb: &str, resource: &str, name: &str) {
        let [user, verb, resource, name] = [user, verb, resource, name].map(str::to_owned);
        self.denials.push(Denial { user, verb, resource, name });
    }

    pub(super) fn clear_denials(&mut self) {
        self.denials.clear();
    }

    pub(super) fn allows(&self, user: &str, asked: &Asked) -> bool {
        let is = |pattern: &str, item: &str| pattern == "*" || pattern == item;
        let denied = self.denials.iter().any(|denial| {
            is(&denial.user, user)
                && is(&denial.verb, asked.verb)
                && is(&denial.resource, &asked.full_resource())
                && is(&denial.name, asked.name)
        });
        // Everybody may ask what they may do.
        let about_self = matches!(asked.group, "authentication.k8s.io" | "authorization.k8s.io")
            && asked.verb == "create";
        !denied
            && (user == ADMIN
                || about_self
                || self.rules.iter().any(|(owner, rule)| owner == user && rule.permits(asked)))
    }

    /// Refuses in the API server's words what the user may not do.
    pub(super) fn check(&self, user: &str, kind: &Kind, asked: &Asked) -> Answer<()> {
        if self.allows(user, asked) {
            return Ok(());
        }
        let place = if asked.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{}\"", asked.namespace)
        };
        let why = format!(
            "User \"{user}\" cannot {} resource \"{}\" in API group \"{}\" {place}",
            asked.verb,
            asked.full_resource(),
            asked.group
        );
        Err(Failure::forbidden(kind, asked.name, &why))
    }

    /// Answers a `SelfSubjectReview`, `SelfSubjectAccessReview` or `SelfSubjectRulesReview`.
    pub(super) fn review(&self, user: &str, kind: &Kind, review: &Value) -> Value {
        if kind.plural == "selfsubjectreviews" {
            let groups = if user == ADMIN { "system:masters" } else { "developers" };
            return json!({
                "kind": kind.kind, "apiVersion": kind.api_version(),
                "metadata": {"creationTimestamp": super::clock::now()},
                "status": {"userInfo": {"username": user, "groups": [groups, "system:authenticated"]}},
            });
        }
        if kind.plural == "selfsubjectrulesreviews" {
            return self.rules_review(user, kind);
        }
        let mut spec = review["spec"].clone();
        if let Some(attributes) = spec["resourceAttributes"].as_object_mut() {
            attributes.retain(|_, value| value != "");
        } else if let Value::Object(map) = &mut spec {
            map.shift_remove("resourceAttributes");
        }
        let allowed = match spec.get("resourceAttributes") {
            Some(attributes) => {
                let text = |key: &str| attributes[key].as_str().unwrap_or_default();
                self.allows(
                    user,
                    &Asked {
                        verb: text("verb"),
                        group: text("group"),
                        resource: text("resource"),
                        subresource: text("subresource"),
                        namespace: text("namespace"),
                        name: text("name"),
                    },
                )
            }
            // Paths outside the resources (discovery, version) are open to all.
            None => true,
        };
        json!({
            "kind": kind.kind, "apiVersion": kind.api_version(), "metadata": {},
            "spec": spec, "status": {"allowed": allowed},
        })
    }

    fn rules_review(&self, user: &str, kind: &Kind) -> Value {
        let mut resource_rules = vec![
            json!({"verbs": ["create"], "apiGroups": ["authorization.k8s.io"],
                   "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]}),
            json!({"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]}),
        ];
        let mut other_rules = vec![
            json!({"verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"]}),
            json!({"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez",
                   "/openapi", "/openapi/*", "/readyz", "/version", "/version/"]}),
            json!({"verbs": ["get"], "nonResourceURLs": ["/.well-known", "/.well-known/*"]}),
        ];
        if user == ADMIN {
            resource_rules.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
            other_rules.push(json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
        }
        for (_, rule) in self.rules.iter().filter(|(owner, _)| owner == user) {
            let mut entry = Map::new();
            entry.insert("verbs".to_owned(), json!(rule.verbs));
            entry.insert("apiGroups".to_owned(), json!(rule.groups));
            entry.insert("resources".to_owned(), json!(rule.resources));
            if !rule.names.is_empty() {
                entry.insert("resourceNames".to_owned(), json!(rule.names));
            }
            resource_rules.push(entry.into());
        }
        json!({
            "kind": kind.kind, "apiVersion": kind.api_version(), "metadata": {}, "spec": {},
            "status": {"resourceRules": resource_rules, "nonResourceRules": other_rules, "incomplete": false},
        })
    }
}
