//! Bodies of the fuzz targets; `cargo test` replays them over the corpus.
