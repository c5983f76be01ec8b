"""Filling an archive from a PACS: address (`node`), protocols (`dimse`, `web`), files (`shelf`), transfer (`fetch`).

DIMSE is spoken by pynetdicom and DICOMweb by dicomweb-client. What arrives is untrusted: the names of files are ours, and
what wasn't asked for, or is too large, isn't kept.
"""
