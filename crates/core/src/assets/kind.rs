//! What kind of file something is, by its first bytes: neither its name nor what its sender says counts.

/// A kind of picture that people may upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
    /// An icon of Windows.
    Icon,
    /// SVG: a document rather than a picture, so it is served where nothing in it can run.
    Svg,
    /// TIFF.
    Tiff,
    /// WebP.
    Webp,
    /// BMP.
    Bmp,
}

impl ImageKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::Icon,
        Self::Svg,
        Self::Tiff,
        Self::Webp,
        Self::Bmp,
    ];

    /// The media type it is served as.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Icon => "image/vnd.microsoft.icon",
            Self::Svg => "image/svg+xml",
            Self::Tiff => "image/tiff",
            Self::Webp => "image/webp",
            Self::Bmp => "image/bmp",
        }
    }

    /// How its files' names end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Icon => "ico",
            Self::Svg => "svg",
            Self::Tiff => "tiff",
            Self::Webp => "webp",
            Self::Bmp => "bmp",
        }
    }

    /// The kind of files whose names end so.
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.extension() == extension)
    }

    /// The kind of a file.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let begins = |magic: &[u8]| bytes.starts_with(magic);
        if begins(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if begins(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if begins(b"GIF87a") || begins(b"GIF89a") {
            Some(Self::Gif)
        } else if begins(b"\0\0\x01\0") {
            Some(Self::Icon)
        } else if begins(b"II*\0") || begins(b"MM\0*") {
            Some(Self::Tiff)
        } else if begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::Webp)
        } else if begins(b"BM") && bytes.len() > 26 && bytes[6..10] == [0; 4] {
            Some(Self::Bmp)
        } else if is_svg(bytes) {
            Some(Self::Svg)
        } else {
            None
        }
    }
}

/// Whether the root element is `svg`: after a byte order mark, an XML declaration, comments and a document type without a subset of
/// its own, which could define entities.
fn is_svg(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = if rest.starts_with("<?xml ") {
            rest.find("?>").map(|at| at + 2)
        } else if rest.starts_with("<!--") {
            rest.find("-->").map(|at| at + 3)
        } else if rest.starts_with("<!DOCTYPE svg") {
            rest.find('>').filter(|at| !rest[..*at].contains('[')).map(|at| at + 1)
        } else {
            break;
        };
        let Some(end) = end else { return false };
        rest = rest[end..].trim_start();
    }
    rest.strip_prefix("<svg")
        .and_then(|after| after.chars().next())
        .is_some_and(|next| next.is_whitespace() || next == '>' || next == '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_first_bytes() {
        let bmp = [b"BM".as_slice(), &[9, 0, 0, 0], &[0; 24]].concat();
        for (bytes, kind) in [
            (b"\xff\xd8\xff\xe0 and so on".as_slice(), ImageKind::Jpeg),
            (b"\x89PNG\r\n\x1a\n....", ImageKind::Png),
            (b"GIF89a....", ImageKind::Gif),
            (b"\0\0\x01\0\x01", ImageKind::Icon),
            (b"MM\0*....", ImageKind::Tiff),
            (b"RIFF\x10\0\0\0WEBPVP8 ", ImageKind::Webp),
            (&bmp, ImageKind::Bmp),
            (b"<?xml version=\"1.0\"?>\n<!-- x -->\n<svg xmlns=\"x\"/>", ImageKind::Svg),
            (b"\xef\xbb\xbf<svg>", ImageKind::Svg),
        ] {
            assert_eq!(ImageKind::of(bytes), Some(kind));
            assert_eq!(ImageKind::from_extension(kind.extension()), Some(kind));
        }
    }

    #[test]
    fn what_is_no_picture_is_no_picture_whatever_it_holds() {
        for bytes in [
            b"".as_slice(),
            b"<html><svg></svg></html>",
            b"<svgx>",
            b"<!DOCTYPE svg [<!ENTITY a \"b\">]><svg/>",
            b"<!-- never ends <svg/>",
            b"PK\x03\x04",
            b"BM and no more",
            b"\xff\xfe<svg/>",
            b"%PDF-1.7",
        ] {
            assert_eq!(ImageKind::of(bytes), None, "{bytes:?}");
        }
    }
}
