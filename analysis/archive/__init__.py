"""An archive of DICOM files, whatever is in it: index, pseudonyms, what must not leak."""
