//! The package of a program, in the version that the image contains.

use super::extensions;
use crate::knowledge::containers;
use crate::knowledge::images::base;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::stack::Service;
use crate::migrate::report::{CHECK_VERSION, other_version};

/// The attribute for a package in the version that the service's image contains. If nixpkgs has only another version,
/// reports the difference.
pub fn versioned(builder: &Builder<'_, '_>, service: &Service<'_>, package: &str) -> String {
    let file = service.image_file.as_ref();
    // The stages that build a program contain its compiler. The last stage may not.
    let stages = file.iter().flat_map(|file| &file.builders).map(String::as_str).filter(|image| !image.contains(' '));
    for image in own_image(service).into_iter().chain(stages) {
        if let Some(attribute) = versioned_of(builder, service, package, image) {
            return attribute;
        }
    }
    package.to_owned()
}

/// Like [`versioned`], for one image. `None` if the image does not contain the package.
fn versioned_of(builder: &Builder<'_, '_>, service: &Service<'_>, package: &str, image: &str) -> Option<String> {
    let client = || {
        let known = containers::service_of(image)?;
        let (start, _) = known.versions?;
        (start.trim_end_matches('_') == package).then(|| known.attribute(image))?.map(|attribute| (attribute, true))
    };
    let (attribute, is_same) = base::version_of(package, image).or_else(client)?;
    if !is_same {
        let (key, place) = match (service.get("build"), service.get("image")) {
            (Some(build), _) => ("build", &build.place),
            (None, Some(image)) => ("image", &image.place),
            (None, None) => ("", &service.key.place),
        };
        builder.leave(service, place, key, other_version(image, &attribute), CHECK_VERSION);
    }
    Some(if package == "php" { extensions::with_extensions(service, &attribute) } else { attribute })
}

/// The runtime in the service's image, which scripts find in PATH: `nodejs_22` for `node:22`.
pub fn runtime(builder: &Builder<'_, '_>, service: &Service<'_>) -> Option<String> {
    let image = own_image(service)?;
    let package = base::find(image).and_then(|base| base.runtime.package())?;
    versioned_of(builder, service, package, image)
}

/// The image that a service runs, or on which its built image is based.
fn own_image<'s>(service: &'s Service<'_>) -> Option<&'s str> {
    service.image()
}
