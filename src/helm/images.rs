//! The images of one state of the values.

use std::sync::Arc;

use super::layers::Layers;
use crate::domain::{DecidedBy, FieldPath, HelmImage, HelmValues, Partial, UseClass};
use crate::manifest::{self, Decided, Failure, ImageParts, Node, Part, Result, Value, part};

const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// What a state of the values names.
#[derive(Default)]
pub(super) struct Images {
    pub(super) images: Vec<Image>,
    pub(super) partial: Vec<Partial>,
}

/// An image and where it stands.
pub(super) struct Image {
    pub(super) field: String,
    pub(super) class: UseClass,
    pub(super) text: String,
    decided: Decided,
}

impl Image {
    /// The reference, and its decision after an earlier one; the earlier alone where nothing changed.
    pub(super) fn decided_after(&self, before: Option<(Arc<str>, Decided)>) -> (Arc<str>, Decided) {
        let own = &self.decided;
        let text: Arc<str> = self.text.as_str().into();
        let Some((old_text, old)) = before else { return (text, own.clone()) };
        let has_same_version = old.tag == own.tag && old.digest == own.digest;
        if old_text == text && old.name == own.name && has_same_version {
            return (old_text, old);
        }
        let mut decided = own.clone();
        if has_same_version {
            decided.last = own.name.clone();
        }
        (text, decided.after(&old_text, old))
    }
}

/// Lists the images of `values`: those the set names, else those their shape tells.
pub(super) fn read<'v>(values: &'v Node, set: &HelmValues, layers: &'v Layers) -> Result<Images> {
    let global = values.path(&["global", "imageRegistry"]).and_then(part);
    let mut reader =
        Reader { values, global, app_version: layers.app_version().and_then(part), layers, found: Images::default() };
    match &set.images {
        None => reader.visit(values, &mut String::new(), false),
        Some(images) => {
            let is_glob = set.last().contains('*');
            images.iter().try_for_each(|image| reader.read_configured(image, is_glob))?;
        }
    }
    Ok(reader.found)
}

struct Reader<'v> {
    values: &'v Node,
    global: Option<Part<'v>>,
    app_version: Option<Part<'v>>,
    layers: &'v Layers,
    found: Images,
}

impl<'v> Reader<'v> {
    /// Looks for keys `image` at any depth.
    fn visit(&mut self, node: &'v Node, path: &mut String, is_container: bool) {
        let length = path.len();
        match &node.value {
            Value::Scalar(_) => {}
            Value::List(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    path.push_str(&format!("[{index}]"));
                    self.visit(element, path, is_container);
                    path.truncate(length);
                }
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    path.extend([if length > 0 { "." } else { "" }, key]);
                    if &**key == "image" {
                        let class = if is_container { UseClass::Container } else { UseClass::Field };
                        self.add_scalar(value, path.clone(), class);
                        self.add_mapping(value, path);
                    }
                    let is_list = matches!(value.value, Value::List(_));
                    self.visit(value, path, is_list && CONTAINERS.contains(&&**key));
                    path.truncate(length);
                }
            }
        }
    }

    fn read_configured(&mut self, image: &HelmImage, is_glob: bool) -> Result<()> {
        match image {
            HelmImage::At(path) => {
                let selected = manifest::select(self.values, path);
                self.check_found(path, selected.is_empty(), is_glob);
                for selected in selected {
                    self.add_at(selected.node, manifest::field(&selected.steps))?;
                }
            }
            HelmImage::Parts { repository, tag, registry, digest } => {
                let selected = manifest::select(self.values, repository);
                self.check_found(repository, selected.is_empty(), is_glob);
                for selected in selected {
                    let values = self.values;
                    let at = |path: &Option<FieldPath>| {
                        let steps = manifest::bind(path.as_ref()?, &selected.bound);
                        part(manifest::at(values, &steps)?)
                    };
                    let field = manifest::field(&selected.steps);
                    check_scalar(selected.node, &field)?;
                    if let Some(name) = part(selected.node) {
                        let parts =
                            ImageParts { registry: at(registry), repository: name, tag: at(tag), digest: at(digest) };
                        self.add_parts(parts, field, registry.is_some());
                    }
                }
            }
        }
        Ok(())
    }

    /// Says that nothing stands at a path, which most likely is misspelt. Of many sets one may well lack an image.
    fn check_found(&mut self, path: &FieldPath, is_missing: bool, is_glob: bool) {
        if is_missing && !is_glob && path.wildcards() == 0 {
            self.say("helm-no-image", format!("`{path}` is not in these values"), self.values);
        }
    }

    fn add_at(&mut self, node: &'v Node, field: String) -> Result<()> {
        match &node.value {
            Value::Scalar(_) => self.add_scalar(node, field, UseClass::Helm),
            Value::Map(_) if !self.add_mapping(node, &field) => {
                let message = format!("`{field}` is a mapping without `repository`");
                let hint = "name the parts of the image apart: {repository: …, tag: …}";
                return Err(Failure::at(&node.place, message, hint));
            }
            Value::Map(_) => {}
            Value::List(_) => return check_scalar(node, &field),
        }
        Ok(())
    }

    fn add_scalar(&mut self, node: &Node, field: String, class: UseClass) {
        if let (Some(scalar), Some((text, _))) = (node.as_scalar(), part(node)) {
            let mut decided = Decided::of(node, scalar);
            decided.by = DecidedBy::Values;
            self.found.images.push(Image { field, class, text: text.to_owned(), decided });
        }
    }

    /// Takes a mapping with a `repository`, or says that only its tag is known; tells whether it was one of these.
    fn add_mapping(&mut self, node: &'v Node, field: &str) -> bool {
        if let Some(parts) = ImageParts::of_mapping(node) {
            self.add_parts(parts, field.to_owned(), node.get("registry").is_some());
            return true;
        }
        let version =
            ["tag", "digest", "sha"].into_iter().find_map(|key| node.get(key).filter(|node| part(node).is_some()));
        if let Some(version) = version {
            let what = format!("`{field}` has a tag or a digest, and its repository is left to the chart");
            self.say("helm-default-repository", what, version);
        }
        version.is_some()
    }

    fn add_parts(&mut self, mut parts: ImageParts<'v>, field: String, has_registry: bool) {
        // Charts that know `global.imageRegistry` let it win over an image's own registry, as Bitnami's common library does.
        if self.global.is_some() && (has_registry || !has_host(parts.repository.0)) {
            parts.registry = self.global;
        }
        let sha = parts.digest.map(|(text, place)| (with_algorithm(text), place));
        parts.digest = None;
        if parts.tag.is_none() && sha.is_none() {
            parts.tag = self.app_version;
        }
        if parts.tag.is_none() && sha.is_none() && !manifest::has_version(parts.repository.0) {
            let what = format!("`{field}` has no tag, and the chart's appVersion is not known");
            let location = parts.repository.1.location();
            self.found.partial.push(Partial::new("helm-default-tag", what, location));
            return;
        }
        let digest = sha.as_ref().map(|(text, place)| (text.as_str(), *place));
        let joined = ImageParts { registry: parts.registry, repository: parts.repository, tag: parts.tag, digest };
        let (text, mut decided) = joined.join(DecidedBy::Values);
        // The name is as young as the younger of its two halves.
        if let Some((_, place)) = parts.registry.filter(|(_, place)| self.layers.is_above(place, &decided.name)) {
            decided.name = place.clone();
        }
        self.found.images.push(Image { field, class: UseClass::Helm, text, decided });
    }

    fn say(&mut self, reason: &str, what: String, node: &Node) {
        self.found.partial.push(Partial::new(reason, what, node.place.location()));
    }
}

fn check_scalar(node: &Node, field: &str) -> Result<()> {
    match node.value {
        Value::Scalar(_) => Ok(()),
        _ => {
            let message = format!("`{field}` must be text, found a {}", node.kind_name());
            Err(Failure::at(&node.place, message, "correct the values, or `helm.images` in promote-bot.yaml"))
        }
    }
}

/// Tells whether a name begins with a host of its own.
fn has_host(repository: &str) -> bool {
    let first = repository.split_once('/').map(|(first, _)| first);
    first.is_some_and(|first| first.contains(['.', ':']) || first == "localhost")
}

/// Charts that take the bare digits of a digest put the algorithm before them.
fn with_algorithm(digest: &str) -> String {
    let is_bare = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_bare { format!("sha256:{digest}") } else { digest.to_owned() }
}
