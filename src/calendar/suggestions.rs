//! Meeting suggestions, pure.
