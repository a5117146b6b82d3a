//! Reports as PDF and as slides: what stands in them, and that the same store gives the same bytes.

use crate::report::written_as;
use crate::support::stored::Stored;
use tessera::report::Form;

fn count(bytes: &[u8], what: &str) -> usize {
    bytes.windows(what.len()).filter(|window| *window == what.as_bytes()).count()
}

#[test]
fn a_pdf_has_vectors_with_the_figures_font() {
    let stored = Stored::new("retina_test");
    let (written, out) = written_as(&stored, "weekly", &[Form::Pdf]);
    assert_eq!(written.files, [out.join("report.pdf")]);
    assert!(!out.join("report.html").exists(), "no form that was not asked for");
    let pdf = std::fs::read(&written.files[0]).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    assert!(count(&pdf, "Inter-Regular") > 0 && count(&pdf, "/FontFile3") > 0, "the font is within");
    assert_eq!(count(&pdf, "/Subtype /Image") + count(&pdf, "/Subtype/Image"), 0, "figures are no pixels");
    // The contents lead to the sections, the text to the web.
    assert!(count(&pdf, "/Link") >= 4, "{}", count(&pdf, "/Link"));
    assert!(count(&pdf, "https://example.org/paper") > 0 && count(&pdf, "javascript:") == 0);
    written_as(&stored, "weekly", &[Form::Pdf]);
    assert!(pdf == std::fs::read(&written.files[0]).unwrap(), "the same bytes");
}
