"""One DICOM file, however odd: its header, and its pixels as they are stored."""
