def propose_study(path, *, sheet="", header=0):
    raise NotImplementedError


def template_study():
    raise NotImplementedError


def template_table():
    raise NotImplementedError
