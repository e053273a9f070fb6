//! Products of VEX statements, and whether they are an image or a package in it.

use super::VexStatement;
use crate::attestation::purl::Purl;
use crate::attestation::scan::Vulnerability;

/// A product, perhaps narrowed to parts of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Product {
    /// The product itself.
    pub component: Component,
    /// The parts; without any the product as a whole is meant.
    pub subcomponents: Vec<Component>,
}

/// A piece of software by its package URLs; other identifiers are not compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Component {
    /// Its package URLs.
    pub purls: Vec<Purl>,
    /// Whether it has a package URL that could not be read.
    pub is_unclear: bool,
}

/// The image that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageIdentity<'a> {
    /// Host and repository: `registry.example/shop/app`.
    pub repository: &'a str,
    /// Its digest and those of its platforms: `sha256:…`.
    pub digests: &'a [String],
}

impl Component {
    pub(super) fn of<'a>(identifiers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut component = Self::default();
        for identifier in identifiers.into_iter().filter(|identifier| identifier.starts_with("pkg:")) {
            match Purl::parse(identifier) {
                Some(purl) => component.purls.push(purl),
                None => component.is_unclear = true,
            }
        }
        component
    }

    /// To cover, all that is said of a component must fit; to withdraw, any of it.
    fn fits(&self, covers: bool, is_it: impl Fn(&Purl) -> bool) -> bool {
        match covers {
            true => !self.is_unclear && !self.purls.is_empty() && self.purls.iter().all(is_it),
            false => self.purls.iter().any(is_it),
        }
    }
}

impl VexStatement {
    /// Tells whether it is about a finding in an image.
    ///
    /// It is when its vulnerability has a name in common with the finding (in any case), and one of its products is
    ///
    /// - the image: `pkg:oci/NAME`, where NAME is the last part of the repository, a digest, if given, is one of the
    ///   image's, and a `repository_url`, if given, is the repository or what stands before NAME in it; other
    ///   qualifiers are not compared, but a `tag` without a digest fits nothing, for it is not known which image that
    ///   is;
    /// - or the finding's package itself, by its package URL;
    ///
    /// and, if the product has subcomponents, one of them is the finding's package.
    ///
    /// In a statement that is `attached` to the image, a `pkg:oci` product is the image whatever its name, repository
    /// and tag: promotion changes those. One with a digest that is not the image's never is.
    ///
    /// A statement that does not cover needs less to apply, so that doubt never leaves a finding covered: attached, it
    /// needs no product; subcomponents that cannot be compared fit.
    #[must_use]
    pub fn applies(&self, vulnerability: &Vulnerability, image: &ImageIdentity<'_>) -> bool {
        self.applies_to(vulnerability, package_of(vulnerability).as_ref(), image)
    }

    /// As [`VexStatement::applies`], the finding's package read once for many statements.
    pub(super) fn applies_to(
        &self,
        vulnerability: &Vulnerability,
        package: Option<&Purl>,
        image: &ImageIdentity<'_>,
    ) -> bool {
        let is_named = |name: &str| self.vulnerability.iter().any(|known| known.eq_ignore_ascii_case(name));
        if !vulnerability.names().any(is_named) {
            return false;
        }
        let covers = self.covers();
        if self.products.is_empty() {
            return self.attached && !covers;
        }
        self.products.iter().any(|product| {
            let is_it = |purl: &Purl| match purl.kind.as_str() {
                "oci" => is_image(purl, image, self.attached),
                _ => package.is_some_and(|package| purl.names(package)),
            };
            product.component.fits(covers, is_it) && has_part(product, package, covers)
        })
    }
}

/// The package a finding is in.
pub(super) fn package_of(vulnerability: &Vulnerability) -> Option<Purl> {
    vulnerability.purl.as_deref().and_then(Purl::parse)
}

fn has_part(product: &Product, package: Option<&Purl>, covers: bool) -> bool {
    if product.subcomponents.is_empty() {
        return true;
    }
    let Some(package) = package else {
        return !covers;
    };
    let is_unknowable = |part: &Component| !covers && (part.is_unclear || part.purls.is_empty());
    product.subcomponents.iter().any(|part| is_unknowable(part) || part.fits(covers, |purl| purl.names(package)))
}

/// <https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md>: the version is the digest.
fn is_image(purl: &Purl, image: &ImageIdentity<'_>, attached: bool) -> bool {
    if let Some(digest) = &purl.version
        && !image.digests.contains(digest)
    {
        return false;
    }
    if attached {
        return true;
    }
    let (parent, name) = image.repository.rsplit_once('/').unwrap_or(("", image.repository));
    let is_here = |url: &str| url == image.repository || url == parent;
    purl.name == name
        && purl.namespace.is_empty()
        && purl.subpath.is_none()
        && purl.qualifier("repository_url").is_none_or(is_here)
        && (purl.version.is_some() || purl.qualifier("tag").is_none())
}
