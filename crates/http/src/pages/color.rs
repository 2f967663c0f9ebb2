//! Brand colour maths: one primary colour in, a readable light and dark palette out.
//!
//! Contrast is WCAG 2.2's ratio on sRGB relative luminance. Lightness moves in OKLab, so that a
//! lighter or darker shade keeps its hue.

use std::fmt;

/// Contrast that WCAG 2.2 §1.4.3 asks of text at level AA.
pub const AA: f64 = 4.5;

/// An opaque sRGB colour, printed as `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

/// Trinco's own primary colour, azulejo blue.
pub const AZULEJO: Color = Color::new(0x1F, 0x4E, 0x9E);
/// White; the card in the light theme.
pub const WHITE: Color = Color::new(0xFF, 0xFF, 0xFF);
/// The page in the light theme.
pub const PAPER: Color = Color::new(0xFA, 0xF8, 0xF5);
/// Text in the light theme.
pub const INK: Color = Color::new(0x1B, 0x1D, 0x22);
/// The page in the dark theme.
pub const NIGHT: Color = Color::new(0x14, 0x16, 0x1B);
/// The card in the dark theme.
pub const NIGHT_CARD: Color = Color::new(0x1D, 0x20, 0x27);
const BLACK: Color = Color::new(0, 0, 0);

/// What a theme derives from the primary colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// The primary button.
    pub primary: Color,
    /// The primary button under the pointer.
    pub primary_hover: Color,
    /// Text on both of them; contrast at least [`AA`].
    pub on_primary: Color,
    /// The button's outline: the primary colour, or a darker one where that would fade away.
    pub edge: Color,
    /// Links, focus rings and marks on the page and on the card; contrast at least [`AA`].
    pub accent: Color,
    /// The same at half strength, around a focused field.
    pub halo: Color,
}

impl Color {
    /// A colour from its three channels.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `#rgb`, `#rrggbb` or `#rrggbbaa` (alpha is ignored), with or without `#`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim();
        let digits = digits.strip_prefix('#').unwrap_or(digits);
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let channel = |at: usize, len: usize| u8::from_str_radix(&digits[at..at + len], 16).ok();
        match digits.len() {
            3 => Some(Self::new(channel(0, 1)? * 17, channel(1, 1)? * 17, channel(2, 1)? * 17)),
            6 | 8 => Some(Self::new(channel(0, 2)?, channel(2, 2)?, channel(4, 2)?)),
            _ => None,
        }
    }

    /// The WCAG 2.2 contrast ratio between two colours, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// WCAG 2.2 relative luminance, 0 to 1.
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.linear();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn linear(self) -> [f64; 3] {
        [self.red, self.green, self.blue].map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// `share` of the way (0 to 1) from this colour to `other`, in sRGB.
    pub fn mix(self, other: Self, share: f64) -> Self {
        let channel = |from: u8, to: u8| {
            (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8
        };
        Self::new(
            channel(self.red, other.red),
            channel(self.green, other.green),
            channel(self.blue, other.blue),
        )
    }

    /// This colour moved by `by` in OKLab lightness (0 to 1), chroma reduced where sRGB ends.
    fn lightened(self, by: f64) -> Self {
        let [lightness, a, b] = self.oklab();
        let lightness = (lightness + by).clamp(0.0, 1.0);
        let mut chroma = 1.0;
        loop {
            let linear = from_oklab([lightness, a * chroma, b * chroma]);
            if chroma < 0.02 || linear.iter().all(|value| (-0.001..=1.001).contains(value)) {
                let [red, green, blue] = linear.map(encode);
                return Self::new(red, green, blue);
            }
            chroma -= 0.02;
        }
    }

    fn oklab(self) -> [f64; 3] {
        let [red, green, blue] = self.linear();
        let long =
            (0.412_221_470_8 * red + 0.536_332_536_3 * green + 0.051_445_992_9 * blue).cbrt();
        let mid = (0.211_903_498_2 * red + 0.680_699_545_1 * green + 0.107_396_956_6 * blue).cbrt();
        let short =
            (0.088_302_461_9 * red + 0.281_718_837_6 * green + 0.629_978_700_5 * blue).cbrt();
        [
            0.210_454_255_3 * long + 0.793_617_785_0 * mid - 0.004_072_046_8 * short,
            1.977_998_495_1 * long - 2.428_592_205_0 * mid + 0.450_593_709_9 * short,
            0.025_904_037_1 * long + 0.782_771_766_2 * mid - 0.808_675_766_0 * short,
        ]
    }

    /// Moves lightness in steps until every background has at least `wanted` contrast.
    fn readable_on(self, backgrounds: &[Self], wanted: f64, step: f64) -> Self {
        let mut shade = self;
        let mut moved = 0.0;
        while backgrounds.iter().any(|background| shade.contrast(*background) < wanted)
            && f64::abs(moved) < 1.0
        {
            moved += step;
            shade = self.lightened(moved);
        }
        shade
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl Palette {
    /// The light theme of a primary colour.
    pub fn light(primary: Color) -> Self {
        let accent = primary.readable_on(&[WHITE, PAPER], AA, -0.01);
        Self::of(primary, accent, WHITE)
    }

    /// The dark theme of a primary colour. One that does not read on the dark page and card is
    /// lightened until it does with room to spare, so that dark text on it reads as easily.
    pub fn dark(primary: Color) -> Self {
        let reads = [NIGHT, NIGHT_CARD].iter().all(|ground| primary.contrast(*ground) >= AA);
        let wanted = if reads { AA } else { 6.0 };
        let primary = primary.readable_on(&[NIGHT, NIGHT_CARD], wanted, 0.01);
        Self::of(primary, primary, NIGHT_CARD)
    }

    fn of(primary: Color, accent: Color, card: Color) -> Self {
        // Of any colour, white or black is at least 4.58 away; ink is preferred to black.
        let on_primary = [WHITE, INK, BLACK]
            .into_iter()
            .find(|text| primary.contrast(*text) >= AA)
            .unwrap_or(BLACK);
        // The shade under the pointer moves away from its text.
        let hover = if on_primary == WHITE { -0.05 } else { 0.05 };
        // WCAG 2.2 §1.4.11: what shows where a control is has contrast 3.
        let edge = if primary.contrast(card) >= 3.0 { primary } else { accent };
        Self {
            primary,
            primary_hover: primary.lightened(hover),
            on_primary,
            edge,
            accent,
            halo: accent.mix(card, 0.72),
        }
    }
}

fn from_oklab([lightness, a, b]: [f64; 3]) -> [f64; 3] {
    let long = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let mid = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let short = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * long - 3.307_711_591_3 * mid + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * mid - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * mid + 1.707_614_701_0 * short,
    ]
}

fn encode(linear: f64) -> u8 {
    let value =
        if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (value * 255.0).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every corner of the cube and what lies between, in steps of 51: 216 colours.
    fn colours() -> impl Iterator<Item = Color> {
        let steps = [0u8, 51, 102, 153, 204, 255];
        steps.into_iter().flat_map(move |red| {
            steps.into_iter().flat_map(move |green| {
                steps.into_iter().map(move |blue| Color::new(red, green, blue))
            })
        })
    }

    #[test]
    fn hex_colours_are_read_and_anything_else_is_not() {
        assert_eq!(Color::parse("#1F4E9E"), Some(AZULEJO));
        assert_eq!(Color::parse(" 1f4e9eff "), Some(AZULEJO));
        assert_eq!(Color::parse("#fff"), Some(WHITE));
        for text in ["", "#", "#12", "#12345", "#ggg", "red", "#1f4e9é", "#+1+2+3"] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
        assert_eq!(AZULEJO.to_string(), "#1f4e9e");
    }

    #[test]
    fn contrast_is_the_ratio_of_wcag() {
        assert!((WHITE.contrast(BLACK) - 21.0).abs() < 0.001);
        assert!((WHITE.contrast(Color::new(0x76, 0x76, 0x76)) - 4.54).abs() < 0.01);
        assert!((AZULEJO.contrast(AZULEJO) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn text_on_the_primary_button_always_reads() {
        for colour in colours() {
            for palette in [Palette::light(colour), Palette::dark(colour)] {
                assert!(palette.primary.contrast(palette.on_primary) >= AA, "{colour}");
                assert!(palette.primary_hover.contrast(palette.on_primary) >= AA, "{colour}");
            }
        }
    }

    #[test]
    fn links_read_on_the_page_and_on_the_card_in_both_themes() {
        for colour in colours() {
            let light = Palette::light(colour);
            assert!(light.accent.contrast(WHITE) >= AA && light.accent.contrast(PAPER) >= AA);
            let dark = Palette::dark(colour);
            assert!(dark.accent.contrast(NIGHT) >= AA && dark.accent.contrast(NIGHT_CARD) >= AA);
        }
    }

    #[test]
    fn the_button_stands_out_from_its_card() {
        for colour in colours() {
            assert!(Palette::light(colour).edge.contrast(WHITE) >= 3.0, "{colour}");
            assert!(Palette::dark(colour).edge.contrast(NIGHT_CARD) >= 3.0, "{colour}");
        }
    }

    #[test]
    fn a_readable_primary_colour_is_left_as_it_is() {
        assert_eq!(Palette::light(AZULEJO).primary, AZULEJO);
        assert_eq!(Palette::light(AZULEJO).accent, AZULEJO);
        assert_eq!(Palette::light(AZULEJO).on_primary, WHITE);
        let bright = Color::new(0x8A, 0xB4, 0xF8);
        assert_eq!(Palette::dark(bright).primary, bright);
    }

    #[test]
    fn lightening_by_nothing_changes_nothing() {
        for colour in colours() {
            assert_eq!(colour.lightened(0.0), colour);
        }
    }

    /// The fixed colours of `tokens.css`: (what, text, background, contrast it must have).
    #[test]
    fn the_fixed_colours_of_the_stylesheet_read() {
        let css = include_str!("assets/tokens.css");
        let (light, dark) = css.split_once("prefers-color-scheme: dark").unwrap();
        let token = |theme: &str, name: &str| {
            let at = theme.find(&format!("--{name}: ")).expect(name) + name.len() + 4;
            Color::parse(&theme[at..at + 7]).expect(name)
        };
        for (theme, page, card) in [(light, PAPER, WHITE), (dark, NIGHT, NIGHT_CARD)] {
            assert_eq!(token(theme, "page"), page);
            assert_eq!(token(theme, "card"), card);
            let reads = |text: &str, background: &str, wanted: f64| {
                let found = token(theme, text).contrast(token(theme, background));
                assert!(found >= wanted, "{text} on {background}: {found:.2}");
            };
            // AAA for body text (§1.4.6), AA for the rest (§1.4.3), 3 for outlines (§1.4.11).
            reads("ink", "card", 7.0);
            reads("ink", "page", 7.0);
            reads("muted", "card", AA);
            reads("muted", "page", AA);
            reads("danger", "card", AA);
            reads("danger", "danger-soft", AA);
            reads("ink", "danger-soft", 7.0);
            reads("good", "card", AA);
            reads("outline", "card", 3.0);
            reads("danger", "page", AA);
        }
    }
}
