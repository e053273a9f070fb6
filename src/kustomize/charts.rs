//! `helmCharts`: charts are not rendered, but named, and their values read for images.

use crate::domain::DecidedBy;
use crate::manifest::{Node, Place, Reading, Result, Shift, Text, Value};

use super::layer::Layer;
use super::section::Section;

const CHART: &[&str] = &[
    "name",
    "version",
    "repo",
    "releaseName",
    "namespace",
    "additionalValuesFiles",
    "valuesFile",
    "valuesInline",
    "valuesMerge",
    "includeCRDs",
    "skipHooks",
    "apiVersions",
    "kubeVersion",
    "nameTemplate",
    "skipTests",
    "debug",
    "devel",
];
const OLD_CHART: &[&str] = &[
    "chartName",
    "chartVersion",
    "chartRepoUrl",
    "chartHome",
    "chartRepoName",
    "helmBin",
    "helmHome",
    "values",
    "valuesLocal",
    "valuesMerge",
    "releaseName",
    "releaseNamespace",
    "extraArgs",
];

/// A chart that kustomize would have Helm render.
#[derive(Debug)]
pub(super) struct Chart {
    place: Place,
    name: Option<Text>,
    version: Option<Text>,
    files: Vec<Text>,
    inline: Option<Node>,
}

impl Chart {
    /// Reads `helmCharts` and its predecessor `helmChartInflationGenerator`.
    pub(super) fn read_all(kustomization: &Section<'_>) -> Result<Vec<Self>> {
        kustomization.section("helmGlobals", &["chartHome", "configHome"])?;
        let mut charts = Vec::new();
        for chart in kustomization.sections("helmCharts", CHART)? {
            let mut files: Vec<Text> = chart.text("valuesFile")?.into_iter().collect();
            files.extend(chart.texts("additionalValuesFiles")?);
            charts.push(Self::read(&chart, ["name", "version", "valuesInline"], files)?);
        }
        for chart in kustomization.sections("helmChartInflationGenerator", OLD_CHART)? {
            let files = chart.text("values")?.into_iter().collect();
            charts.push(Self::read(&chart, ["chartName", "chartVersion", "valuesLocal"], files)?);
        }
        Ok(charts)
    }

    fn read(chart: &Section<'_>, [name, version, inline]: [&str; 3], files: Vec<Text>) -> Result<Self> {
        let values = chart.get(inline).map(|values| Node::convert(values, Reading::Loose, &Shift::None));
        Ok(Self {
            place: chart.place(),
            name: chart.text(name)?,
            version: chart.text(version)?,
            files,
            inline: values.transpose()?,
        })
    }

    /// Notes the gap and keeps what the chart's values say of images.
    pub(super) fn note(&self, layer: &mut Layer<'_, '_>) -> Result<()> {
        let Layer { loader, root, unresolved, .. } = layer;
        let words = [&self.name, &self.version].map(|text| text.as_ref().map_or("", |text| &text.text));
        unresolved.note("helm", words.join(" ").trim(), &self.place);
        let mut merged: Option<Node> = None;
        for file in &self.files {
            let read =
                loader.read(root, &file.text, &file.place).and_then(|(path, _)| loader.parse(&path, &file.place));
            match read {
                Ok(parsed) => {
                    for document in &*parsed.documents()? {
                        lay(&mut merged, Node::convert(document, Reading::Loose, &Shift::None)?);
                    }
                }
                Err(failure) => unresolved.unless_missing(Err(failure))?,
            }
        }
        if let Some(values) = &self.inline {
            lay(&mut merged, values.clone());
        }
        if let Some(values) = merged {
            unresolved.keep_values(self.document(values));
        }
        Ok(())
    }

    /// The values as a document that says whose they are.
    fn document(&self, values: Node) -> Node {
        let text = |text: &str| Node::string(text, &self.place);
        let name = self.name.as_ref().map_or("", |name| &name.text);
        let metadata = Node::map(vec![("name".into(), text(name))], &self.place);
        let entries =
            vec![("kind".into(), text("HelmChart")), ("metadata".into(), metadata), ("values".into(), values)];
        Node::map(entries, &self.place)
    }
}

/// Lays values over those below, as helm does: mappings are merged, anything else takes the other's place.
fn lay(below: &mut Option<Node>, above: Node) {
    match below {
        Some(below) => lay_over(below, above),
        None => *below = Some(above),
    }
}

fn lay_over(below: &mut Node, mut above: Node) {
    if let (Value::Map(_), Value::Map(entries)) = (&below.value, &mut above.value) {
        for (key, value) in std::mem::take(entries) {
            match below.get_mut(&key) {
                Some(old) => lay_over(old, value),
                None => below.set(&key, value),
            }
        }
        return;
    }
    above.succeed(below, DecidedBy::Values);
    *below = above;
}
