"""What marks data as restricted (HIV and the like), whatever the source.  Law 64/2006/QH11, amended by 71/2020/QH14

What is a record, a row or a field of a source is said by the source: sources/dossier/withholding.py.
"""
