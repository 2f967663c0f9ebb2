//! The rooms of Trinco: one folder per thing the product is about.
