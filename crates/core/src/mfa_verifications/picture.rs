//! QR codes as PNG pictures: black and white, one bit to the pixel, not compressed. Every image viewer and app toolkit reads PNG, and
//! a QR code is small.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qrcodegen::{QrCode, QrCodeEcc};

use crate::{Error, Result, Secret};

/// Pixels of a module's side, and modules of the quiet zone (ISO/IEC 18004 asks for four).
const SCALE: i32 = 4;
const BORDER: i32 = 4;

/// A `data:` URL of the QR code of `text`.
///
/// # Errors
/// [`Error::Internal`] when the text is longer than any QR code holds.
pub(super) fn data_url(text: &Secret) -> Result<String> {
    let code = QrCode::encode_text(text.reveal(), QrCodeEcc::Medium)
        .map_err(|_| Error::Internal("a text is too long for a QR code".to_owned()))?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png(&code))))
}

fn png(code: &QrCode) -> Vec<u8> {
    let side = (code.size() + 2 * BORDER) * SCALE;
    let mut lines = Vec::new();
    for y in 0..side {
        // Each line begins with its filter: none.
        lines.push(0);
        for eight in 0..(side + 7) / 8 {
            let mut byte = 0;
            for bit in 0..8 {
                let x = eight * 8 + bit;
                let is_dark = code.get_module(x / SCALE - BORDER, y / SCALE - BORDER);
                byte = byte << 1 | u8::from(x < side && !is_dark);
            }
            lines.push(byte);
        }
    }
    let side = (side as u32).to_be_bytes();
    let mut header = Vec::from(side);
    header.extend_from_slice(&side);
    // One bit, grey, and the only methods there are.
    header.extend_from_slice(&[1, 0, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, b"IHDR", &header);
    chunk(&mut png, b"IDAT", &zlib(&lines));
    chunk(&mut png, b"IEND", &[]);
    png
}

/// RFC 1950 around stored blocks (RFC 1951 §3.2.4).
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    stream.extend_from_slice(&adler32(bytes).to_be_bytes());
    stream
}

fn chunk(png: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) {
    png.extend_from_slice(&(content.len() as u32).to_be_bytes());
    let start = png.len();
    png.extend_from_slice(name);
    png.extend_from_slice(content);
    let checksum = crc32(&png[start..]);
    png.extend_from_slice(&checksum.to_be_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        // The check value of CRC-32, and RFC 1950's Adler-32 of a known text.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn a_picture_is_a_png_of_the_code() {
        let url = data_url(&Secret::new("otpauth://totp/x:y?secret=ABC".to_owned())).unwrap();
        let bytes = STANDARD.decode(url.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
        assert!(bytes.ends_with(b"IEND\xae\x42\x60\x82"));
        let side = u32::from_be_bytes(bytes[16..20].try_into().unwrap());
        assert_eq!((side, side % SCALE as u32), ((29 + 8) * 4, 0), "version 3 and a quiet zone");
    }
}
