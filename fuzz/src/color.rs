//! Brand colours.

use trinco_http::pages::color::{AA, Color, NIGHT, NIGHT_CARD, PAPER, Palette, WHITE};

use crate::check;

/// Reads the input as a colour, and makes its palettes.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let Some(color) = Color::parse(text) else { return false };
    let printed = color.to_string();
    assert_eq!(Color::parse(&printed), Some(color));
    // It is written into a style sheet.
    assert!(printed.len() == 7 && printed[1..].bytes().all(|digit| digit.is_ascii_hexdigit()));
    for (palette, backgrounds) in
        [(Palette::light(color), [WHITE, PAPER]), (Palette::dark(color), [NIGHT, NIGHT_CARD])]
    {
        assert!(palette.primary.contrast(palette.on_primary) >= AA, "{text}: the button's text");
        assert!(
            palette.primary_hover.contrast(palette.on_primary) >= AA,
            "{text}: under the pointer"
        );
        for background in backgrounds {
            assert!(palette.accent.contrast(background) >= AA, "{text}: links");
        }
    }
    true
}
