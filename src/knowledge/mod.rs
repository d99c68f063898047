//! What is true about the world, as tables with their sources. To extend one, no algorithm has to be read.

pub mod images;
