//! One renderer per format. What comes from outside is escaped here, in every format.
