"""Automated grading of knee radiographs: from an archive of DICOM files to estimates with their uncertainty."""
