//! Escaping for HTML, the only thing a page needs from here to be safe with what people type.

/// Text that is safe between tags and inside quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
