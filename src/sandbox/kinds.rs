//! Owns the table of the resources that the sandbox serves.

/// One resource of the API.
#[allow(clippy::struct_field_names)] // `kind` is the API's own word for it
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) group: &'static str,
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    pub(super) kind: &'static str,
    pub(super) namespaced: bool,
    pub(super) short: &'static [&'static str],
    /// Shown by `kubectl get all`.
    pub(super) all: bool,
    pub(super) subresources: &'static [&'static str],
    /// Answers to a POST and is never stored.
    pub(super) review: bool,
}

const PLAIN: Kind = Kind {
    group: "",
    plural: "",
    singular: "",
    kind: "",
    namespaced: true,
    short: &[],
    all: false,
    subresources: &[],
    review: false,
};

const APPS: &str = "apps";
const AUTHORIZATION: &str = "authorization.k8s.io";

/// Everything served, in the order of discovery.
pub(super) static KINDS: &[Kind] = &[
    Kind {
        plural: "configmaps",
        singular: "configmap",
        kind: "ConfigMap",
        short: &["cm"],
        ..PLAIN
    },
    Kind { plural: "events", singular: "event", kind: "Event", short: &["ev"], ..PLAIN },
    Kind {
        plural: "limitranges",
        singular: "limitrange",
        kind: "LimitRange",
        short: &["limits"],
        ..PLAIN
    },
    Kind {
        plural: "namespaces",
        singular: "namespace",
        kind: "Namespace",
        short: &["ns"],
        namespaced: false,
        subresources: &["status"],
        ..PLAIN
    },
    Kind {
        plural: "persistentvolumeclaims",
        singular: "persistentvolumeclaim",
        kind: "PersistentVolumeClaim",
        short: &["pvc"],
        subresources: &["status"],
        ..PLAIN
    },
    Kind {
        plural: "pods",
        singular: "pod",
        kind: "Pod",
        short: &["po"],
        all: true,
        subresources: &["log", "status"],
        ..PLAIN
    },
    Kind {
        plural: "resourcequotas",
        singular: "resourcequota",
        kind: "ResourceQuota",
        short: &["quota"],
        subresources: &["status"],
        ..PLAIN
    },
    Kind { plural: "secrets", singular: "secret", kind: "Secret", ..PLAIN },
    Kind {
        plural: "serviceaccounts",
        singular: "serviceaccount",
        kind: "ServiceAccount",
        short: &["sa"],
        ..PLAIN
    },
    Kind {
        plural: "services",
        singular: "service",
        kind: "Service",
        short: &["svc"],
        all: true,
        subresources: &["status"],
        ..PLAIN
    },
    Kind {
        group: APPS,
        plural: "controllerrevisions",
        singular: "controllerrevision",
        kind: "ControllerRevision",
        ..PLAIN
    },
    Kind {
        group: APPS,
        plural: "daemonsets",
        singular: "daemonset",
        kind: "DaemonSet",
        short: &["ds"],
        all: true,
        subresources: &["status"],
        ..PLAIN
    },
    Kind {
        group: APPS,
        plural: "deployments",
        singular: "deployment",
        kind: "Deployment",
        short: &["deploy"],
        all: true,
        subresources: &["scale", "status"],
        ..PLAIN
    },
    Kind {
        group: APPS,
        plural: "replicasets",
        singular: "replicaset",
        kind: "ReplicaSet",
        short: &["rs"],
        all: true,
        subresources: &["scale", "status"],
        ..PLAIN
    },
    Kind {
        group: APPS,
        plural: "statefulsets",
        singular: "statefulset",
        kind: "StatefulSet",
        short: &["sts"],
        all: true,
        subresources: &["scale", "status"],
        ..PLAIN
    },
    Kind {
        group: "authentication.k8s.io",
        plural: "selfsubjectreviews",
        singular: "selfsubjectreview",
        kind: "SelfSubjectReview",
        namespaced: false,
        review: true,
        ..PLAIN
    },
    Kind {
        group: AUTHORIZATION,
        plural: "selfsubjectaccessreviews",
        singular: "selfsubjectaccessreview",
        kind: "SelfSubjectAccessReview",
        namespaced: false,
        review: true,
        ..PLAIN
    },
    Kind {
        group: AUTHORIZATION,
        plural: "selfsubjectrulesreviews",
        singular: "selfsubjectrulesreview",
        kind: "SelfSubjectRulesReview",
        namespaced: false,
        review: true,
        ..PLAIN
    },
    Kind {
        group: "coordination.k8s.io",
        plural: "leases",
        singular: "lease",
        kind: "Lease",
        ..PLAIN
    },
];

impl Kind {
    /// `v1` or `apps/v1`.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", self.group) }
    }

    /// Whether a change of the spec raises `metadata.generation`.
    pub(super) fn counted(&self) -> bool {
        self.plural == "pods" || (self.group == APPS && self.plural != "controllerrevisions")
    }

    /// `configmaps` or `deployments.apps`, as error messages say it.
    pub(super) fn qualified(&self) -> String {
        self.with_group(self.plural)
    }

    /// `ConfigMap` or `Deployment.apps`.
    pub(super) fn qualified_kind(&self) -> String {
        self.with_group(self.kind)
    }

    fn with_group(&self, name: &str) -> String {
        if self.group.is_empty() { name.to_owned() } else { format!("{name}.{}", self.group) }
    }
}

/// The resource with this plural name.
pub(super) fn by_plural(plural: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.plural == plural)
}

/// The resource of a manifest.
pub(super) fn by_manifest(api_version: &str, kind: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|entry| entry.kind == kind && entry.api_version() == api_version)
}

/// Whether any resource of this group is served.
pub(super) fn has_group(group: &str) -> bool {
    KINDS.iter().any(|kind| kind.group == group)
}
