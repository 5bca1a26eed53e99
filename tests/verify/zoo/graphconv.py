"""Graph convolutions over a sparse adjacency matrix that the model keeps."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super(GraphConvolution, self).__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features))
        else:
            self.register_parameter('bias', None)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1. / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-stdv, stdv)
        if self.bias is not None:
            self.bias.data.uniform_(-stdv, stdv)

    def forward(self, x, adj):
        support = torch.mm(x, self.weight)
        output = torch.sparse.mm(adj, support)
        if self.bias is not None:
            return output + self.bias
        return output


class GCN(nn.Module):
    def __init__(self, nfeat=5, nhid=6, nclass=3, nodes=6, dropout=0.4):
        super(GCN, self).__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass, bias=False)
        self.dropout = dropout
        rows = torch.tensor([0, 1, 1, 2, 3, 4, 5, 5])
        cols = torch.tensor([1, 0, 2, 1, 4, 3, 0, 5])
        degree = torch.zeros(nodes).index_add(0, rows, torch.ones(len(rows)))
        self.register_buffer('rows', rows)
        self.register_buffer('cols', cols)
        self.register_buffer('values', degree[rows].pow(-0.5) * degree[cols].pow(-0.5))
        self.nodes = nodes

    def adjacency(self):
        index = torch.stack([self.rows, self.cols])
        return torch.sparse_coo_tensor(index, self.values, (self.nodes, self.nodes))

    def forward(self, x):
        adj = self.adjacency()
        x = F.elu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        x = self.gc2(x, adj)
        return F.log_softmax(x, dim=1)


def cases():
    return [("gcn", GCN, lambda: (torch.randn(6, 5),))]
