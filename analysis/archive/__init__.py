"""From an archive of DICOM files, whatever it holds, to an index under pseudonyms."""
