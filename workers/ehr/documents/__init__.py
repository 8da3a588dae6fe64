"""From a document as a source stores it (plain, HTML, RTF, XML; in base64, in any character set) to its text."""
