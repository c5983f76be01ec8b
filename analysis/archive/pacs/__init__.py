"""Filling an archive from a PACS: who is asked (`node`), how (`dimse`, `web`), what is kept (`shelf`), the way through (`fetch`).

DIMSE is spoken by pynetdicom and DICOMweb by dicomweb-client. What arrives is untrusted: the names of files are ours, and
what wasn't asked for, or is too large, isn't kept.
"""
